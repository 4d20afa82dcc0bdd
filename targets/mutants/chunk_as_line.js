// Takes each chunk for a number of whole lines: one that is cut is answered in pieces.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => {
  client.on('error', () => client.destroy());
  client.on('end', () => client.end());
  client.on('drain', () => client.resume());
  client.on('data', (chunk) => {
    const lines = chunk.toString('latin1').replace(/\n$/, '').split('\n');
    const replies = lines.map((line) => `ok ${line.replace(/\r$/, '')}\n`).join('');
    if (!client.write(replies, 'latin1')) client.pause();
  });
}).listen(Number(process.argv[2]));
