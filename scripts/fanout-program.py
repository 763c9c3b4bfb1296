#!/usr/bin/env python3
"""Assembles the classic-BPF program that deals mirrored packets out to workers by their inner flow,
and writes it as sensor/capture/src/program.rs has it.

The kernel runs it for every packet of a fanout group (PACKET_FANOUT_CBPF); the data starts at the
network header, the outermost VLAN tag is gone already. It finds the innermost addresses and ports
(802.1Q, MPLS up to four labels, PPPoE, GRE, ERSPAN I to III, IP in IP, VXLAN, GENEVE, GENEVE around
VXLAN, GTP-U) and returns a hash that is the same for both directions.

usage: scripts/fanout-program.py > /tmp/program.txt, then compare with the table in program.rs
"""
LD_W_ABS=0x20;LD_H_ABS=0x28;LD_B_ABS=0x30;LD_W_IND=0x40;LD_H_IND=0x48;LD_B_IND=0x50;LDX_IMM=0x01;LDX_MSH=0xb1;LDX_MEM=0x61;LD_MEM=0x60;LD_IMM=0x00
ST=0x02;STX=0x03;ADD_K=0x04;ADD_X=0x0c;AND_K=0x54;LSH_K=0x64;RSH_K=0x74;XOR_X=0xac;XOR_K=0xa4;MUL_K=0x24;TAX=0x07;TXA=0x87;RET_A=0x16;RET_K=0x06;JEQ=0x15;JA=0x05;JSET=0x45
P=[];L={}
def lab(n):L[n]=len(P)
def e(c,k=0,jt=None,jf=None):P.append([c,jt,jf,k])
SKF_PROTO=0xfffff000 # SKF_AD_OFF(-0x1000)+SKF_AD_PROTOCOL(0)
# M[0]=L3 offset, M[15]=depth
e(LD_IMM,0);e(ST,0);e(LD_H_ABS,SKF_PROTO)
e(JEQ,0x0800,'v4','n1');lab('n1');e(JEQ,0x86dd,'v6out','n2');lab('n2');e(JEQ,0x8847,'mpls','n3');lab('n3')
e(JEQ,0x8100,'q','n4');lab('n4');e(JEQ,0x8864,'pppoe','fail')
lab('q');e(LD_IMM,4);e(ST,0);e(LD_H_ABS,2);e(JEQ,0x0800,'v4','q2');lab('q2');e(JEQ,0x86dd,'v6out','fail')
lab('pppoe');e(LD_IMM,8);e(ST,0);e(LD_H_ABS,6);e(JEQ,0x0021,'v4','p2');lab('p2');e(JEQ,0x0057,'v6out','fail')
# mpls up to 3 labels; S bit = byte2 &1
lab('mpls')
for i in range(4):
    e(LD_B_ABS,2+4*i);e(JSET,1,'mb%d'%i,'mn%d'%i)
    lab('mb%d'%i);e(LD_IMM,4*(i+1));e(ST,0);e(JA,'mdone')
    lab('mn%d'%i)
e(JA,'fail')
lab('mdone');e(LDX_MEM,0);e(LD_B_IND,0);e(AND_K,0xf0);e(JEQ,0x40,'v4','md2');lab('md2');e(JEQ,0x60,'v6','fail')
# outer v4 : check tunnels
lab('v4');e(LDX_MEM,0);e(LD_B_IND,9);e(JEQ,17,'udp','g1');lab('g1');e(JEQ,47,'gre','g2');lab('g2');e(JEQ,4,'ipip','hash4')
# compute X = end of ip header
def l4():
    e(LDX_MEM,0);e(LD_B_IND,0);e(AND_K,0xf);e(LSH_K,2);e(ADD_X);e(TAX)
lab('ipip');l4();e(STX,0);e(JA,'inner')
lab('udp');l4();e(LD_H_IND,2);e(JEQ,4789,'vx','u2');lab('u2');e(JEQ,6081,'gnv','u3');lab('u3');e(JEQ,2152,'gtp','hash4')
lab('vx');e(TXA);e(ADD_K,16);e(ST,0);e(JA,'ineth')
lab('gnv');e(LD_H_IND,10);e(ST,3);e(LD_B_IND,8);e(AND_K,0x3f);e(LSH_K,2);e(ADD_X);e(ADD_K,16);e(ST,0)
e(LD_MEM,3);e(JEQ,0x6558,'ineth','gnv2');lab('gnv2');e(JEQ,0x0800,'gnv3','inner')
# geneve with inner IPv4 directly: AWS GWLB delivers GENEVE(proto 0x0800) -> IP -> UDP 4789 -> VXLAN -> eth
lab('gnv3');e(LDX_MEM,0);e(LD_B_IND,9);e(JEQ,17,'gnv4','hash4');lab('gnv4');l4();e(LD_H_IND,2);e(JEQ,4789,'vx2','hash4');lab('vx2');e(TXA);e(ADD_K,16);e(ST,0);e(JA,'ineth')
lab('gtp');e(TXA);e(ADD_K,16);e(ST,0);e(JA,'inner')
lab('gre');l4();e(LD_H_IND,2);e(JEQ,0x0800,'gip','gr2');lab('gr2');e(JEQ,0x88be,'er2','gr3');lab('gr3');e(JEQ,0x22eb,'er3','hash4')
lab('gip');e(TXA);e(ADD_K,4);e(ST,0);e(JA,'inner')
# erspan2: GRE w/ seq(8)+8 ; type I has no seq bit: 4
lab('er2');e(LD_B_IND,0);e(JSET,0x10,'er2b','er1');lab('er1');e(TXA);e(ADD_K,4);e(ST,0);e(JA,'ineth')
lab('er2b');e(TXA);e(ADD_K,16);e(ST,0);e(JA,'ineth')
lab('er3');e(TXA);e(ADD_K,20);e(ST,0);e(JA,'ineth')
lab('ineth');e(LDX_MEM,0);e(LD_H_IND,12);e(JEQ,0x8100,'iq','ie2');lab('iq');e(TXA);e(ADD_K,18);e(ST,0);e(JA,'inner');lab('ie2');e(TXA);e(ADD_K,14);e(ST,0)
lab('inner');e(LDX_MEM,0);e(LD_B_IND,0);e(AND_K,0xf0);e(JEQ,0x40,'hash4','in2');lab('in2');e(JEQ,0x60,'v6','fail')
lab('hash4');e(LDX_MEM,0);e(LD_W_IND,12);e(ST,1);e(LD_W_IND,16);e(LDX_MEM,1);e(XOR_X);e(ST,1)
e(LDX_MEM,0);e(LD_H_IND,6);e(JSET,0x3fff,'noport','h2');lab('h2')
e(LD_B_IND,9);e(JEQ,6,'ports','h3');lab('h3');e(JEQ,17,'ports','noport')
lab('ports');l4();e(LD_H_IND,0);e(ST,2);e(LD_H_IND,2);e(LDX_MEM,2);e(XOR_X);e(LSH_K,8);e(LDX_MEM,1);e(XOR_X);e(ST,1);e(JA,'noport')
lab('v6out')
lab('v6');e(LDX_MEM,0);e(LD_W_IND,12);e(ST,1);e(LD_W_IND,28);e(LDX_MEM,1);e(XOR_X);e(ST,1);e(LDX_MEM,0);e(LD_W_IND,20);e(LDX_MEM,1);e(XOR_X);e(ST,1);e(LDX_MEM,0);e(LD_W_IND,36);e(LDX_MEM,1);e(XOR_X);e(ST,1)
e(LDX_MEM,0);e(LD_B_IND,6);e(JEQ,6,'p6','k6');lab('k6');e(JEQ,17,'p6','noport');lab('p6');e(LD_H_IND,40);e(ST,2);e(LD_H_IND,42);e(LDX_MEM,2);e(XOR_X);e(LSH_K,8);e(LDX_MEM,1);e(XOR_X);e(ST,1)
lab('noport');e(LD_MEM,1);e(MUL_K,0x9E3779B1);e(RSH_K,16);e(RET_A)
lab('fail');e(RET_K,0)
out=[]
for i,(c,jt,jf,k) in enumerate(P):
    a=b=0
    if c==JA: k=L[k]-i-1
    elif jt is not None: a=L[jt]-i-1;b=L[jf]-i-1; assert 0<=a<256 and 0<=b<256,(i,jt,jf,a,b)
    out.append("    (0x%02x, %d, %d, 0x%x),"%(c,a,b,k))
print("\n".join(out))
