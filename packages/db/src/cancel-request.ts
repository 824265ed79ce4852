import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Attempt } from './route.ts';

const sslRequest = 80_877_103;
const cancelRequest = 80_877_102;
const patienceMs = 1_000;

/**
 * Asks the server to give up what a connection has under way, on a connection of its own as the protocol has it. No
 * answer is due; resolves when the server has closed it, or after a second.
 */
export function requestCancel(
  attempt: Attempt,
  key: { processID: number; secretKey: number },
): Promise<void> {
  return new Promise((resolve) => {
    const raw = attempt.host.startsWith('/')
      ? connectTcp(`${attempt.host}/.s.PGSQL.${attempt.port}`)
      : connectTcp(attempt.port, attempt.host);
    const timer = setTimeout(() => raw.destroy(), patienceMs);
    raw.on('error', () => {});
    raw.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    raw.once('connect', () => {
      if (attempt.ssl === false) {
        send(raw, cancelRequest, key.processID, key.secretKey);
        return;
      }
      send(raw, sslRequest);
      raw.once('data', (answer) => {
        if (answer.toString('latin1') !== 'S') {
          raw.destroy();
          return;
        }
        const options = attempt.ssl === true ? {} : attempt.ssl;
        const secure = connectTls({ socket: raw, host: attempt.host, ...options });
        secure.on('error', () => raw.destroy());
        secure.once('secureConnect', () => send(secure, cancelRequest, key.processID, key.secretKey));
      });
    });
  });
}

function send(socket: Socket, ...words: readonly number[]): void {
  const message = Buffer.alloc(4 + 4 * words.length);
  message.writeInt32BE(message.length, 0);
  for (const [at, word] of words.entries()) message.writeInt32BE(word, 4 + 4 * at);
  socket.write(message);
}
