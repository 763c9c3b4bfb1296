"""http2-worst-cases.py TAPSCOPE: time and memory for 1 and 2 MiB of what costs HTTP/2 most. The ratio
is 2 where cost is linear; start-up makes it less."""
import struct,subprocess,sys,resource
def pcap(path,payload):
    out=[struct.pack('<IHHiIII',0xa1b2c3d4,2,4,0,0,65535,101)]
    seq=1000; t=0
    def seg(b,flags,seq):
        tcp=struct.pack('>HHIIBBHHH',40000,80,seq,1,0x50,flags,65535,0,0)+b
        ip=struct.pack('>BBHHHBBH4s4s',0x45,0,20+len(tcp),0,0,64,6,0,bytes([10,0,0,1]),bytes([10,0,0,2]))
        return ip+tcp
    pk=[seg(b'',2,seq)]; seq+=1
    for i in range(0,len(payload),1400):
        pk.append(seg(payload[i:i+1400],0x18,seq)); seq+=len(payload[i:i+1400])
    for i,p in enumerate(pk): out.append(struct.pack('<IIII',1000,i,len(p),len(p))+p)
    open(path,'wb').write(b''.join(out))
fr=lambda k,f,s,p: len(p).to_bytes(3,'big')+bytes([k,f])+s.to_bytes(4,'big')+p
P=b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
B=b'\x82\x86\x84\x01\x01h'
def rep(unit,n): return unit*(n//len(unit))
import random
rnd=random.Random(1)
def reqs(n):
    o=[];t=0;s=1
    while t<n:
        x=fr(1,5,s,B)+fr(3,0,s,b'\0\0\0\x08'); s+=2; o.append(x); t+=len(x)
    return b''.join(o)
big=b'\x82\x86\x84\x40\x7f\xa1\x1e'+b'n'*4000+b'\0'
cases={
 'empty DATA':lambda n:P+fr(1,4,1,B)+rep(fr(0,0,1,b''),n),
 '1-byte DATA':lambda n:P+fr(1,4,1,B)+rep(fr(0,0,1,b'x'),n),
 'PING':lambda n:P+rep(fr(6,0,0,b'12345678'),n),
 'CONTINUATION 1 byte':lambda n:P+fr(1,0,1,B)+rep(fr(9,0,1,b'\x82'),n),
 'rapid reset':lambda n:P+reqs(n),
 'HPACK bomb (1-byte refs to 4 KB)':lambda n:P+b''.join(fr(1,5,2*i+1,big+b'\xbe'*12000) for i in range(n//16000)),
 'HPACK bomb (inserts with 4 KB name)':lambda n:P+b''.join(fr(1,5,2*i+1,big+b'\x7e\x00'*6000) for i in range(n//16000)),
 'random behind a gapless start':lambda n:rnd.randbytes(n),
 'zero-heavy, no frames':lambda n:bytes(b if b>200 else 0 for b in rnd.randbytes(n)),
 'false DATA chains':lambda n:rep(b'\0\0\x01\0\0\0\0\0\x01',n),
}
for name,f in cases.items():
    r=[]
    for n in (1<<20,2<<20):
        pcap('/tmp/http2-worst.pcap',f(n)); a=resource.getrusage(resource.RUSAGE_CHILDREN)
        x=subprocess.run(['/usr/bin/time','-f','%M',sys.argv[1],'exchanges','/tmp/http2-worst.pcap'],capture_output=True,text=True)
        b=resource.getrusage(resource.RUSAGE_CHILDREN); r.append((b.ru_utime-a.ru_utime,int(x.stderr.strip().splitlines()[-1])//1024,len(x.stdout.splitlines())))
    print(f"{name:38} 1 MiB {r[0][0]:.2f}s {r[0][1]} MiB RSS {r[0][2]} ex | 2 MiB {r[1][0]:.2f}s {r[1][1]} MiB RSS | ratio {r[1][0]/max(r[0][0],.001):.1f}",flush=True)
