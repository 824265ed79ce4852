import { ClientError } from './client-error.ts';
import type { AnswerOf } from './operation.ts';
import { pause } from './retry.ts';
import type { Rotation } from './wait-for.ts';

/** Not among the generated operations, which all answer JSON to be read at once. */
export const followRoute = {
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/events',
  type: 'text/event-stream',
} as const;

export type RotationEvent = AnswerOf<'getRotationTimeline'>['data']['events'][number];

/** What is told of a rotation that is followed. */
export type Told =
  /** How it stands, whole: first, and again behind each new connection; in between whenever it has changed. */
  | { readonly kind: 'snapshot' | 'progress'; readonly rotation: Rotation }
  /** What happened to it. */
  | { readonly kind: 'event'; readonly event: RotationEvent };

/** A connection that brings nothing for so long is dead: the server sends a comment every 15 seconds. */
const silenceMaxMs = 45_000;
/** Many times the status of a rotation of hundreds of tables, in characters. */
const eventMax = 4 * 1024 * 1024;
const blankLine = /\r?\n\r?\n/;
/** Between two connections, shaken so that clients which lost theirs together do not come back together. */
const pauseMs = { least: 500, most: 1_500 } as const;

interface Connection {
  /** Tries as often as makes sense; what it throws then ends the following. */
  open(
    lastEventId: string | undefined,
  ): Promise<{ readonly response: Response; readonly silence: AbortController }>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Everything that is told until the rotation has ended, over as many connections as it takes: no event is missed, and none
 * comes twice.
 */
export async function* followRotation(
  { open, signal }: Connection,
  lastEventId?: string,
): AsyncGenerator<Told> {
  let last = lastEventId;
  for (;;) {
    let bye: string | null = null;
    const { response, silence } = await open(last);
    try {
      for await (const { event, data, id } of readEvents(response, silence)) {
        // The parsed edge: what the contract's API sends is what it says. Events that are not known here are let be.
        if (event === 'snapshot' || event === 'progress') yield { kind: event, rotation: data as Rotation };
        else if (event === 'event') yield { kind: event, event: data as RotationEvent };
        last = id ?? last;
        if (event !== 'bye') continue;
        // Nothing comes behind it, whoever keeps the connection open.
        bye = (data as { readonly reason?: string }).reason ?? null;
        break;
      }
    } finally {
      silence.abort();
    }
    if (bye === 'ended') return;
    await pause(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least), signal);
  }
}

interface ServerSentEvent {
  readonly event: string;
  readonly data: object;
  readonly id: string | undefined;
}

/** The events of one connection, until it ends, however it does. */
async function* readEvents(response: Response, silence: AbortController): AsyncGenerator<ServerSentEvent> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  // The end of what came, where a blank line may have begun: what is long is not looked through again with each part.
  let tail = '';
  for (;;) {
    const timer = setTimeout(() => silence.abort(new Error('silence')), silenceMaxMs);
    const part = await reader
      ?.read()
      // A connection that broke: the next one goes on from where this one was.
      .catch(() => undefined)
      .finally(() => clearTimeout(timer));
    if (part === undefined || part.done) return;
    rest += part.value;
    const latest = tail + part.value;
    tail = latest.slice(-3);
    if (rest.length > eventMax) throw unexpected('an event without end');
    if (!blankLine.test(latest)) continue;
    const blocks = rest.split(blankLine);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const told = parse(block);
      if (told !== null) yield told;
    }
  }
}

/** Null for what is no event: a comment, or a field alone. */
function parse(block: string): ServerSentEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  const id = fields.get('id');
  return {
    event: fields.get('event') ?? '',
    data: objectIn(data),
    // It is sent back in a header: what is no sequence is none of ours.
    id: id !== undefined && /^[0-9]{1,15}$/.test(id) ? id : undefined,
  };
}

function objectIn(text: string): object {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) return data;
  } catch {
    // said below
  }
  throw unexpected('an event that is no object');
}

function unexpected(what: string): ClientError {
  return new ClientError('UNEXPECTED_ANSWER', `followRotation answered 200, with ${what}`, {
    operation: 'followRotation',
    status: 200,
  });
}
