import {
  at,
  both,
  cells,
  edit,
  eventOf,
  inCsv,
  lineOf,
  move,
  ofActor,
  ofPayload,
  type Parsed,
  placesOf,
  type Tampering,
  text,
} from './tampering-tools.ts';

/** By their names: what somebody does who has the file of an export. */
export const tamperings: Readonly<Record<string, Tampering>> = {
  ...both(
    'another case of the actor',
    ofActor((word) => (word === word.toUpperCase() ? word.toLowerCase() : word.toUpperCase())),
  ),
  ...both(
    'white space around the actor',
    ofActor((word) => (word.trim() === word ? `${word} ` : word.trim())),
  ),
  ...both(
    'the actor in another normal form',
    ofActor((word) => (word.normalize('NFC') === word ? word.normalize('NFD') : word.normalize('NFC'))),
  ),
  ...both(
    'the payload in another normal form',
    ofPayload((word) => word.normalize('NFKD')),
  ),
  ...both(
    'a word more in the payload',
    ofPayload((word) => `${word}x`),
  ),
  ...both(
    'another number in the payload',
    edit((event) => ({ ...event, payload: { ...(event.payload as object), n: 7.25 } })),
  ),
  ...both(
    'another time',
    edit((event) => ({ ...event, at: event.at.replace(/\d{6}Z/, '000007Z') })),
  ),
  ...both(
    'another kind',
    edit((event) => ({ ...event, kind: 'rotation.completed' })),
  ),
  ...both(
    'another role',
    edit((event) => ({ ...event, databaseRole: 'owner' })),
  ),
  ...both(
    'no rotation',
    edit((event) => ({ ...event, rotationId: null })),
  ),
  ...both(
    'another number in the chain',
    edit((event) => ({ ...event, sequence: event.sequence + 1 })),
  ),
  ...both(
    'another predecessor',
    edit((event) => ({ ...event, previous: 'f'.repeat(64) })),
  ),
  'a number written otherwise': text(/"n":(\d+)([,}])/, '"n":$1.0$2'),
  'a number with an exponent': text(/"n":(\d+)([,}])/, '"n":$1e0$2'),
  'minus nought': text(/"n":0([,}])/, '"n":-0$1'),
  'an escape for a letter': text(/"actor"/, '"\\u0061ctor"'),
  'an escape for a solidus': text(/"kind":"([^"\\])/, '"kind":"\\/$1'),
  'half a character': text(/"kind":"/, '"kind":"\\ud800'),
  'a space': text(/":/, '": '),
  'a member twice': text(/"actor":/, '"actor":{},"actor":'),
  'members in another order': text(/^\{"event":(.*),"hash":("[0-9a-f]{64}")/, '{"hash":$2,"event":$1'),
  'a member that is new': text(/^\{"event"/, '{"comment":"x","event"'),
  'a member with the name of a prototype': text(/"payload":\{/, '"payload":{"__proto__":{},'),
  'nested without end': text(
    /"payload":\{.*\}(,"previous")/,
    `"payload":{"n":${'['.repeat(20_000)}${']'.repeat(20_000)}}$1`,
  ),
  'a carriage return': text(/\n$/, '\r\n'),
  'an empty line': text(/^/, '\n'),
  'a mark of byte order': (lines) => lines.with(0, `\ufeff${lines[0]}`),
  'two lines in one': (lines, { below }) => {
    const n = below(lines.length - 1);
    return lines.with(n, (lines[n] ?? '').replace(/\r?\n$/, ' '));
  },
  'a line gone': (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    return lines.toSpliced(places[tools.below(places.length)] ?? 0, 1);
  },
  'a line twice': at((line) => line + line),
  'a line again at the end of the events': (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    return lines.toSpliced((places.at(-1) ?? 0) + 1, 0, lines[places[tools.below(places.length)] ?? 0] ?? '');
  },
  'two neighbours swapped': move(() => 1),
  'two far apart swapped': move(({ below }, count) => 1 + below(count - 1)),
  'rows of two tenants in turn': (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    const moved = places
      .map((n) => lines[n] ?? '')
      .sort(
        (a, b) =>
          (eventOf(a, tools.isCsv)?.event.sequence ?? 0) - (eventOf(b, tools.isCsv)?.event.sequence ?? 0),
      );
    const mixed = lines.map((line, n) => (places.includes(n) ? (moved.shift() ?? '') : line));
    return mixed.join('') === lines.join('') ? null : mixed;
  },
  'the tail cut off, with an end that fits': (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    const from = places[tools.below(Math.ceil(places.length / 2))] ?? 0;
    return lines.filter((_, n) => n < from || !places.includes(n));
  },
  'the head cut off': (lines) => lines.toSpliced(0, 1),
  'no end': (lines) => lines.toSpliced(-1, 1),
  'something behind the end': (lines) => [...lines, lines[2] ?? ''],
  "another installation's line": (lines, tools) => {
    const [places, theirs] = [placesOf(lines, tools.isCsv), placesOf(tools.others, tools.isCsv)];
    return lines.with(
      places[tools.below(places.length)] ?? 0,
      tools.others[theirs[tools.below(theirs.length)] ?? 0] ?? '',
    );
  },
  "another installation's events under our first line": (lines, tools) => [
    lines[0] ?? '',
    ...(tools.isCsv ? [lines[1] ?? ''] : []),
    ...tools.others.slice(tools.isCsv ? 2 : 1),
  ],
  "another installation's export": (_, tools) => [...tools.others],
  'another place in the log': at((line, { isCsv }) => {
    const read = eventOf(line, isCsv);
    return read === null || read.index === null ? null : lineOf({ ...read, index: read.index + 1 }, isCsv);
  }),
  'no place in the log': at((line, { isCsv }) => {
    const read = eventOf(line, isCsv);
    return read === null || read.index === null
      ? null
      : lineOf({ ...read, index: null, ...(read.proof === undefined ? {} : { proof: null }) }, isCsv);
  }),
  'a path of another': (lines, tools) => {
    const places = placesOf(lines, tools.isCsv);
    const [one, other] = [places[0] ?? 0, places[1 + tools.below(places.length - 1)] ?? 0];
    const [a, b] = [eventOf(lines[one] ?? '', tools.isCsv), eventOf(lines[other] ?? '', tools.isCsv)];
    if (a === null || b?.proof === undefined || b.proof === null) return null;
    return lines.with(one, lineOf({ ...a, proof: b.proof }, tools.isCsv));
  },
  'one path taken away': at((line, { isCsv }) => {
    const { proof, ...rest } = eventOf(line, isCsv) ?? {};
    return proof === undefined ? null : lineOf(rest as Parsed, isCsv);
  }),
  'said to be filtered': (lines) => lines.map((line) => line.replace(/("+filtered"+):false/, '$1:true')),
  'said to be of another chain': (lines) =>
    lines.map((line, n) => (n < 2 ? line.replace(/("+chain"+:"+)[0-9a-f]{8}/, '$100000000') : line)),
  'columns in another order': (lines, { isCsv }) =>
    isCsv
      ? lines.map((line) =>
          [...cells(line)]
            .with(0, cells(line)[1] ?? '')
            .with(1, cells(line)[0] ?? '')
            .join(''),
        )
      : null,
  'cells of one row in another order': inCsv((line) =>
    [...cells(line)]
      .with(0, cells(line)[1] ?? '')
      .with(1, cells(line)[0] ?? '')
      .join(''),
  ),
  'a cell in quotes that needs none': inCsv((line) => line.replace(/^([^,"]+),/, '"$1",')),
  'a cell that says something else': inCsv((line) => line.replace(/^([^,]*),(\d+),/, '$1,$20,')),
  'another apostrophe before a formula': inCsv((line) => line.replace(/,'?([=@-][^,]*),/, ",''$1,")),
  'another event in its own column': inCsv((line) => line.replace(/""kind"":""/, '""kind"":""x')),
  semicolons: (lines, { isCsv }) => (isCsv ? lines.map((line) => line.replace(/,/, ';')) : null),
  'line feeds alone': (lines, { isCsv }) => (isCsv ? lines.map((line) => line.replace(/\r\n$/, '\n')) : null),
  'a cell more': inCsv((line) => line.replace(/\r\n$/, ',x\r\n')),
  'a row of nothing': inCsv((line) => `${line}\r\n`),
};
