import { randomBytes, randomUUID } from 'node:crypto';

export const idKinds = ['uuid v4', 'uuid v7', 'bigint'] as const;
export type IdKind = (typeof idKinds)[number];

/** Ids in the order in which an application would make them. */
export function idMaker(kind: IdKind): () => string {
  switch (kind) {
    case 'uuid v4':
      return randomUUID;
    case 'uuid v7':
      return uuidV7Maker();
    case 'bigint': {
      let last = 0;
      return () => {
        last += 1;
        return String(last);
      };
    }
  }
}

/** RFC 9562, section 6.2, method 1: a counter in rand_a keeps ids of one millisecond in order. */
function uuidV7Maker(): () => string {
  let ms = Date.now();
  let counter = 0;
  return () => {
    counter += 1;
    if (counter === 0x1000 || Date.now() > ms) {
      ms = Math.max(Date.now(), ms + 1);
      counter = 0;
    }
    const time = ms.toString(16).padStart(12, '0');
    const random = randomBytes(8);
    random[0] = ((random[0] ?? 0) % 0x40) | 0x80;
    const tail = random.toString('hex');
    const count = (0x7000 | counter).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-${count}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}
