// Takes each chunk for a number of whole lines: one that is cut is answered in pieces.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => {
  client.on('error', () => client.destroy());
  client.on('end', () => client.end());
  client.on('data', (chunk) => {
    let isFlushed = true;
    for (const line of chunk.toString('latin1').split('\n')) {
      if (line !== '') isFlushed = client.write(`ok ${line.replace(/\r$/, '')}\n`, 'latin1');
    }
    if (!isFlushed) client.pause();
  });
  client.on('drain', () => client.resume());
}).listen(Number(process.argv[2]));
