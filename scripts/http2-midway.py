"""http2-midway.py TAPSCOPE CUTS CAPTURE...: what is found of HTTP/2 and gRPC when the first packets
of a capture are missing (CUTS: 0,5,20,...), without and with 1 % of the rest dropped.

Of the exchanges that begin behind the cut: the share that is reported, that has the right method and
path, whose path is said to be unknown, and whose path is wrong.
"""
import struct,subprocess,sys,json,random,os,gzip
BIN=sys.argv[1]; 
def read(f):
    d=open(f,'rb').read()
    if d[:4] in(b'\xd4\xc3\xb2\xa1',b'\xa1\xb2\xc3\xd4',b'\x4d\x3c\xb2\xa1'):
        e='>' if d[:4]==b'\xa1\xb2\xc3\xd4' else '<'; o=24; recs=[]
        while o+16<=len(d):
            c=struct.unpack(e+'I',d[o+8:o+12])[0]; recs.append(d[o:o+16+c]); o+=16+c
        return d[:24],recs
    # pcapng: little endian blocks; packets are EPB(6)/SPB(3)/2
    head=b''; recs=[]; o=0
    while o+12<=len(d):
        t,l=struct.unpack('<II',d[o:o+8]); b=d[o:o+l]; o+=l
        if t in (6,3,2): recs.append(b)
        else: head+=b
    return head,recs
def run(head,recs,name):
    p='/tmp/http2-midway.'+name; open(p,'wb').write(head+b''.join(recs))
    out=subprocess.run([BIN,'exchanges',p],capture_output=True,text=True).stdout
    return [json.loads(l) for l in out.splitlines()]
def key(e): return e['client'],e['server']
def measure(path,ns,loss=False):
    head,recs=read(path); full=[e for e in run(head,recs,'full'+os.path.splitext(path)[1]) if e['proto'] in('http2','grpc','websocket')]
    rows=[]
    for n in ns:
        if n>=len(recs): continue
        cut=recs[n:]
        if loss:
            r=random.Random(n+1); cut=[x for x in cut if r.random()>=.01]
        got=[e for e in run(head,cut,'cut'+os.path.splitext(path)[1]) if e['proto'] in('http2','grpc','websocket')]
        # which exchanges of the full run began after the cut: by time of the first packet left
        t0=None
        if head[:4]==b'\xd4\xc3\xb2\xa1' or head[:4]==b'\x4d\x3c\xb2\xa1':
            s,u=struct.unpack('<II',recs[n][:8]); t0=s*10**9+u*(1000 if head[:4]==b'\xd4\xc3\xb2\xa1' else 1)
        elif recs[n][:4]==b'\6\0\0\0':
            # An enhanced packet block; microseconds unless the interface says otherwise, which ours do not.
            hi,lo=struct.unpack('<II',recs[n][12:20]); t0=((hi<<32)|lo)*1000
        def ns_(t):
            import datetime
            base,frac=(t.rstrip('Z').split('.')+['0'])[:2]
            return int(datetime.datetime.fromisoformat(base+'+00:00').timestamp())*10**9+int(frac.ljust(9,'0'))
        want=[e for e in full if e['method'] and (t0 is None or ns_(e['time'])>=t0)]
        pool={}
        for e in want: pool.setdefault((key(e),e['time']),[]).append(e)
        rep=right=wrong=unknown=0
        for e in got:
            c=pool.get((key(e),e['time']))
            if not c: continue
            exact=[x for x in c if x['path']==e['path'] and x['method']==e['method']]
            x=exact[0] if exact else c[0]; c.remove(x); rep+=1
            if not e['path']: unknown+=1
            elif exact: right+=1
            else: wrong+=1
        rows.append((n,len(want),rep,right,unknown,wrong))
    return rows
files=sys.argv[3:]; ns=[int(x) for x in sys.argv[2].split(',')]
for f in files:
    for loss in (False,True):
        for n,w,rep,right,unk,wrong in measure(f,ns,loss):
            if w: print(f"{os.path.basename(f)[:48]:48} {'1% loss' if loss else '-':8} cut {n:5} want {w:5} reported {rep/w:6.3f} right path {right/w:6.3f} unknown {unk/w:6.3f} wrong {wrong/w:6.3f}")
