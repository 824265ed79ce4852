/**
 * Asks the paths of one server in turn, again and again, over kept-alive connections, one request at a time on each, and prints what came of it
 * as one line of JSON. Speaks HTTP/1.1 by hand: a client that costs less than the server is what shows the server.
 * Started by `rig/load.ts`, configured by environment.
 */
import { connect, type Socket } from 'node:net';
import { percentile } from '../stats.ts';

const {
  LOAD_URL = '',
  LOAD_PATHS = '/',
  LOAD_HEADERS = '{}',
  LOAD_CONNECTIONS = '1',
  LOAD_MS = '1000',
  LOAD_WARM_UP_MS = '0',
} = process.env;
const url = new URL(LOAD_URL);
const headers: unknown = JSON.parse(LOAD_HEADERS);
const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
const requests = LOAD_PATHS.split(' ').map(
  (path) => `GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}\r\n`,
);
let asked = 0;

const begin = performance.now() + Number(LOAD_WARM_UP_MS);
const end = begin + Number(LOAD_MS);
const latencies: number[] = [];
let failures = 0;

await Promise.all(Array.from({ length: Number(LOAD_CONNECTIONS) }, client));
const result = {
  perSecond: (latencies.length * 1_000) / Number(LOAD_MS),
  p50: latencies.length === 0 ? null : percentile(latencies, 0.5),
  p99: latencies.length === 0 ? null : percentile(latencies, 0.99),
  failures,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function client(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.setNoDelay(true);
    let sentAt = 0;
    let unread = Buffer.alloc(0);
    const ask = (): void => {
      sentAt = performance.now();
      socket.write(requests[asked % requests.length] ?? '');
      asked += 1;
    };
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      const answer = readAnswer(unread);
      if (answer === null) return;
      unread = Buffer.alloc(0);
      const now = performance.now();
      if (sentAt >= begin) latencies.push(now - sentAt);
      if (answer !== 200) failures += 1;
      if (now < end) ask();
      else done(socket, resolve);
    });
  });
}

/** The status of a whole answer; null while some of it is missing. One answer at most is under way. */
function readAnswer(bytes: Buffer): number | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without its length: ${head}`);
  return bytes.length < headEnd + 4 + Number(length) ? null : Number(head.slice(9, 12));
}

function done(socket: Socket, resolve: () => void): void {
  socket.destroy();
  resolve();
}
