// Answers after a moment of work, on sockets that end themselves with their client (allowHalfOpen is false unless
// somebody says otherwise): the reply to a request that is followed by a half-close is written after the end.
const net = require('node:net');

net.createServer((client) => {
  let begun = '';
  let work = Promise.resolve();
  client.on('error', () => client.destroy());
  client.on('data', (octets) => {
    const lines = (begun + octets.toString('latin1')).split('\n');
    begun = lines.pop();
    if (begun.length > 4097) return client.destroy();
    const replies = lines.map((line) => `ok ${line.replace(/\r$/, '')}\n`).join('');
    if (replies === '') return;
    client.pause();
    work = work.then(() => new Promise((done) => setTimeout(done, 20))).then(() => {
      if (!client.destroyed) client.write(replies, 'latin1', () => client.resume());
    });
  });
}).listen(Number(process.argv[2]));
