/** A message of Postgres' protocol as it stood on the wire. `type` is empty for the first of a connection. */
export interface Frame {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Cuts a stream into whole messages; what is not whole yet is kept for the next chunk. */
export function createFrameReader(hasStartup: boolean): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  let startup = hasStartup;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const head = startup ? 0 : 1;
      if (rest.length < head + 4) return frames;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return frames;
      const bytes = rest.subarray(0, length);
      frames.push({ type: startup ? '' : String.fromCharCode(bytes.readUInt8(0)), bytes });
      startup = false;
      rest = rest.subarray(length);
    }
  };
}

/**
 * Tells the statements of a connection: that of a simple Query, of a Parse, or of a Bind to what an earlier Parse named.
 * Undefined for every other message, the Bind that follows its own Parse included.
 */
export function createStatementReader(): (frame: Frame) => string | undefined {
  const named = new Map<string, string>();
  let justParsed: string | undefined;
  return ({ type, bytes }) => {
    if (type === 'Q') return bytes.toString('utf8', 5, bytes.length - 1);
    if (type !== 'P' && type !== 'B') return undefined;
    const [first, second] = texts(bytes);
    if (type === 'P') {
      if (first !== '') named.set(first, second);
      justParsed = first;
      return second;
    }
    const isItsOwn = second === justParsed;
    justParsed = undefined;
    return isItsOwn ? undefined : named.get(second);
  };
}

/** The two texts that a Parse (name, statement) and a Bind (portal, name) begin with. */
function texts(bytes: Buffer): [string, string] {
  const end = bytes.indexOf(0, 5);
  return [bytes.toString('utf8', 5, end), bytes.toString('utf8', end + 1, bytes.indexOf(0, end + 1))];
}

/** The application name that a connection introduces itself with. */
export function applicationOf({ bytes }: Frame): string {
  const words = bytes.toString('utf8', 8).split('\0');
  return words[words.indexOf('application_name') + 1] ?? '';
}

export function simpleQuery(statement: string): Buffer {
  const text = Buffer.from(`${statement}\0`);
  const bytes = Buffer.alloc(5);
  bytes.write('Q');
  bytes.writeUInt32BE(4 + text.length, 1);
  return Buffer.concat([bytes, text]);
}
