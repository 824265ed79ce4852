/** A port that counts who connects to it: what must send no packet is tried against it. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after } from 'node:test';

let made = 0;
const server = createServer((socket) => {
  made += 1;
  socket.destroy();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

export const here = `127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a TCP port
export const connections = (): number => made;
