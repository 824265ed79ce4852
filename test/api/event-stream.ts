import { type IncomingMessage, request } from 'node:http';
import { until } from '../harness/wait.ts';

/** A frame of a stream as it came. */
export interface Frame {
  readonly event: string;
  readonly id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly data: any;
}

/** A stream of Server-Sent Events, read by node:http and a parser that knows nothing of ours. */
export interface EventStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly frames: Frame[];
  /** All that came, comments and other fields too. */
  text(): string;
  /** Whether the other end has ended it. */
  ended(): boolean;
  /** Waits for the n-th frame of that kind; the first unless said. */
  frame(event: string, n?: number): Promise<Frame>;
  end(): Promise<void>;
  close(): void;
}

export function openStream(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, {
      agent: false,
      headers: { accept: 'text/event-stream', ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let [text, read, ended] = ['', 0, false];
      const frames: Frame[] = [];
      incoming.setEncoding('utf8');
      incoming.on('error', () => {});
      incoming.on('data', (part: string) => {
        text += part;
        for (let end = text.indexOf('\n\n', read); end >= 0; end = text.indexOf('\n\n', read)) {
          const frame = parse(text.slice(read, end));
          if (frame !== null) frames.push(frame);
          read = end + 2;
        }
      });
      incoming.on('close', () => (ended = true));
      const of = (event: string): Frame[] => frames.filter((frame) => frame.event === event);
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        frames,
        text: () => text,
        ended: () => ended,
        frame: (event, n = 1) => until(() => of(event)[n - 1], { what: `${event} number ${n}` }),
        end: async () => void (await until(() => ended, { what: 'the end of the stream' })),
        close: () => outgoing.destroy(),
      });
    });
    outgoing.end();
  });
}

function parse(block: string): Frame | null {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
  const event = field('event');
  return event === null ? null : { event, id: field('id'), data: JSON.parse(field('data') ?? 'null') };
}
