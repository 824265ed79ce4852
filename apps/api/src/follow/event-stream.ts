import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

/** For so long the last of a stream may wait to be taken: shorter than a process has for its end. */
const takenWithinMs = 5_000;

/** What goes out on one connection, as Server-Sent Events. */
export interface EventStream {
  /** The body of the answer. */
  readonly body: Readable;
  /** Bytes that the client has not taken. */
  untaken(): number;
  write(bytes: Buffer): void;
  /** Writes, and ends. */
  end(bytes: Buffer): void;
  /** Ends at once, whatever was not taken. */
  cut(): void;
}

export function openEventStream(response: ServerResponse): EventStream {
  const body = new Readable({ read: () => {} });
  // Nothing may move here for a while, and who has gone shows when something is written.
  response.socket?.setTimeout(0);
  return {
    body,
    untaken: () => body.readableLength + response.writableLength,
    write: (bytes) => void body.push(bytes),
    end(bytes) {
      body.push(bytes);
      body.push(null);
      // Else who never takes it would keep the connection, and a process from ending.
      const timer = setTimeout(() => response.destroy(), takenWithinMs).unref();
      response.once('close', () => clearTimeout(timer));
    },
    cut() {
      body.destroy();
      response.destroy();
    },
  };
}

/** Only what has an id moves a client's `Last-Event-ID`. */
export function frame(event: string, data: object, id?: number): Buffer {
  // JSON has no line breaks outside its strings, and escapes them inside.
  const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  return Buffer.from(id === undefined ? text : `id: ${id}\n${text}`);
}

export const comment = Buffer.from(':\n\n');

/** How long a client should wait before it connects again. */
export const retryField = Buffer.from('retry: 2000\n\n');
