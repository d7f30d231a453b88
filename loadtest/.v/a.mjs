// variants by env
import { Redis } from 'ioredis'; import uWS from 'uWebSockets.js';
const V=process.env.V||'full';
const redis=new Redis(process.argv[2],{...(process.env.P2?{protocol:2}:{}),enableAutoPipelining:V!=='noauto'&&V!=='batch'});
redis.defineCommand('append',{numberOfKeys:1,lua:`local id = redis.call('XADD', KEYS[1], '*', 'd', ARGV[2]) redis.call('SPUBLISH', ARGV[1], ARGV[3]) return id`});
const app=uWS.App();
let q=[];
app.post('/channels/:name/messages',(res,req)=>{
 const channel=req.getParameter(0);
 let gone=false;res.onAborted(()=>{gone=true});
 res.onData((chunk,last)=>{
  if(V==='noredis'){res.cork(()=>{res.writeStatus('201 Created').end('{"id":"1763695000000-0","edges":1}')});return}
  const body=Buffer.from(chunk).toString();
  const frame=`{"type":"message","channel":"${channel}","id":"1763695000000-0.abcd",${body.slice(1)}`;
  const done=(id)=>{if(!gone)res.cork(()=>{res.writeStatus('201 Created');if(V==='full')res.writeHeader('content-type','application/json');res.end(`{"id":"${id}","edges":1}`)})};
  if(V==='eval') redis.call('EVALSHA',sha,'1','{bench}:log:'+channel,'{bench}:ch:'+channel,body,frame).then(done);
  else redis.append('{bench}:log:'+channel,'{bench}:ch:'+channel,body,frame).then(done);
 });
});
let sha; if(V==='eval') sha=await redis.script('LOAD',`local id = redis.call('XADD', KEYS[1], '*', 'd', ARGV[2]) redis.call('SPUBLISH', ARGV[1], ARGV[3]) return id`);
process.once('disconnect',()=>process.exit());process.once('SIGTERM',()=>process.exit());
app.listen('127.0.0.1',0,s=>process.send({ready:true,port:uWS.us_socket_local_port(s)}));
