import { type Batch, idText, readWindow, renewLease, type Window } from '@rekey/data';
import { formatOf, openBatchCipher } from '@rekey/envelope';
import { lockWaitMs } from '@rekey/times';
import type { Refused } from './outcome.ts';
import {
  fetchOlderDeks,
  keysOf,
  type Recipher,
  type Reencrypted,
  reencryptBatch,
} from './reencrypt-window.ts';
import { createSecondLook, type SecondLook } from './second-look.ts';
import { isSmall, isSmallBatch } from './small-ranges.ts';
import type { Sweep } from './sweep.ts';
import { urgencyOf } from './throttle/urgency.ts';
import { withinLimit } from './within-limit.ts';
import { writeOneByOne, writeSettled } from './write-settled.ts';

/**
 * A window is read at once and written in so many batches, each spread over all of it: then a batch touches a page of
 * the table about once although ids may lie in heap order, and updates find room on their page (with eight batches per
 * window a quarter of them did not).
 */
const batchesPerWindow = 16;
/** Below this a batch costs more for its commit than spreading gains. */
const batchItemsMin = 100;
/** With what stands around it, it fits into memory that is used again. */
const windowBytes = 3 * 1024 * 1024;

/** So many records that were left over are each waited for; more of them are tried together, and only as they are free. */
const oneByOneMax = 8;
/** How long one of them is waited for, growing: below Postgres' deadlock timeout. */
const patienceMs = { least: 50, most: lockWaitMs.recordMost } as const;

/** One pass over a range, from its lease's cursor. */
export interface Pass extends Sweep {
  /** So many passes before this one replaced nothing: what is left is locked, or kept as it is by a trigger. */
  readonly idlePasses: number;
}

/** What all windows of a pass are sealed with. */
interface Sealing extends Pass {
  readonly cipher: Recipher;
  readonly secondLook: SecondLook;
}

/** From the cursor to the range's end, reading ahead of what is being written. How many records were replaced. */
export async function sweepOnce(pass: Pass): Promise<number | Refused> {
  const { env, rotation, target, newDek } = pass;
  const place = { tenantId: rotation.tenantId, column: target.column };
  const format = formatOf(target.format);
  const cipher = env.cipher ?? openBatchCipher('node').cipher;
  const reencryption = format.begin(cipher, { ...place, to: newDek.key, toKeyNumber: newDek.keyNumber });
  try {
    const secondLook = createSecondLook(pass);
    return await sweepWindows({
      ...pass,
      cipher: { format, kind: cipher.kind, pass: reencryption },
      secondLook,
    });
  } finally {
    reencryption.end();
  }
}

async function sweepWindows(sealing: Sealing): Promise<number | Refused> {
  const { env, rotation, target, lease, cipher, signal } = sealing;
  const { tenantId, newKeyNumber } = rotation;
  const read = (after: string | null): Promise<Window | Refused> => {
    const window = withinLimit(sealing, () =>
      readWindow(env.sweepStore, target, lease, {
        tenantId,
        newKeyNumber,
        after,
        itemsMax: batchesPerWindow * batchItems(sealing),
        bytesMax: windowBytes,
        identityBytes: cipher.format.identityBytes,
      }),
    );
    window.catch(() => {}); // it is awaited later, or not at all when a write fails before
    return window;
  };

  let replaced = 0;
  const whole = isSmall(sealing) ? await env.smallRanges?.read(sealing) : undefined;
  let next: Promise<Window | Refused> | null =
    whole === undefined ? read(lease.cursor) : Promise.resolve(whole);
  while (next !== null) {
    const ahead: Window | Refused = await next;
    if (typeof ahead === 'string') return ahead;
    using window: Window = ahead;
    const { records, next: nextAfter, unreadable } = window;
    if (records.length === 0 && nextAfter === null && unreadable.length === 0) return replaced;
    const last = records.length === 0 ? null : idText(target.idType, records.at(records.length - 1).id);
    next = nextAfter === null ? null : read(nextAfter);
    const written = await sweepWindow(sealing, window, nextAfter ?? last);
    if (typeof written === 'string') return written;
    replaced += written;
    if (signal.aborted) return 'stopped';
  }
  return replaced;
}

/** Settles whatever it sends: nothing looks at the window afterwards. */
async function sweepWindow(
  sealing: Sealing,
  { records, unreadable }: Window,
  cursor: string | null,
): Promise<number | Refused> {
  const { env, rotation, target, lease, heartbeat, lockWait, speedLimit, signal, cipher, secondLook } =
    sealing;
  const { tenantId, newKeyNumber } = rotation;
  const olderDeks = await fetchOlderDeks(env.keyring, cipher.format, tenantId, records);
  // It is at hand, unless its KEK refuses by now: that ends the sweep as it does everybody's use of it.
  await env.keyring.byNumber(tenantId, newKeyNumber);
  cipher.pass.retain(keysOf(olderDeks));
  const toBatch = (sealed: Reencrypted, upTo: string | null): Batch => ({
    tenantId,
    newKeyNumber,
    ...sealed,
    cursor: upTo,
  });

  const stillOurs = async (): Promise<boolean> => {
    heartbeat.touch();
    await lockWait.tell();
    return renewLease(env.sweepStore, lease);
  };

  let replaced = 0;
  let writing: Promise<number | Refused> = Promise.resolve(0);
  const batches = Math.max(1, batchesOf(records.length, batchItems(sealing)));
  try {
    for (let first = 0; first < batches; first += 1) {
      // Sealed while the batch before it is being written.
      const begun = performance.now();
      const sealed = await reencryptBatch(target, cipher, records, { first, step: batches }, olderDeks);
      if (sealed.replacements.items > 0)
        env.usage?.time('reencrypt', (performance.now() - begun) / sealed.replacements.items);
      const again = await secondLook.at(sealed.setAside);
      const written = await writing;
      if (typeof written === 'string') return written;
      replaced += written;
      heartbeat.touch();
      await lockWait.tell();
      for (const limiter of rotation.compromise ? [] : [speedLimit, env.rateLimiter])
        if ((await limiter?.acquire(sealed.replacements.items, signal, stillOurs)) === false) return 'lost';
      const { throttle } = env;
      if ((await throttle?.acquire(urgencyOf(rotation), signal, stillOurs)) === false) return 'lost';
      if (signal.aborted) return 'stopped';
      if (again !== null && again.replacements.items > 0) {
        const healed = await write(sealing, toBatch({ ...again, setAside: [] }, null));
        if (typeof healed === 'string') return healed;
        replaced += healed;
      }
      const closed = again?.setAside ?? sealed.setAside;
      const batch = { ...sealed, setAside: first === 0 ? [...closed, ...unreadable] : closed };
      writing = write(sealing, toBatch(batch, first === batches - 1 ? cursor : null));
      writing.catch(() => {}); // awaited above or below
    }
    const written = await writing;
    if (typeof written === 'string') return written;
    heartbeat.touch();
    await lockWait.tell();
    return replaced + written;
  } finally {
    // Where sealing threw, one may be under way, with records that are set aside as they stand in the window.
    await writing.catch(() => {});
  }
}

async function write(pass: Pass, batch: Batch): Promise<number | Refused> {
  const { idlePasses } = pass;
  using replacements = batch.replacements;
  const isFew = replacements.items > 0 && replacements.items <= oneByOneMax;
  if (idlePasses === 0 && isSmallBatch(pass, batch)) {
    const written = await pass.env.smallRanges?.write(pass, batch);
    if (typeof written === 'number')
      pass.lockWait.wrote(batch.replacements.items, batch.replacements.items - written);
    if (written !== undefined) return written;
  }
  const work = (): Promise<number | Refused> => {
    if (idlePasses === 0) return writeSettled(pass, batch, 'wait');
    if (!isFew) return writeSettled(pass, batch, 'judge');
    return writeOneByOne(pass, batch, Math.min(patienceMs.most, patienceMs.least * 2 ** idlePasses));
  };
  // Who waits for a lock keeps no other statement from its turn. Awaited here: the memory is this scope's.
  return await (idlePasses > 0 && isFew ? work() : withinLimit(pass, work));
}

function batchItems({ env: { batchSize, rateLimiter, throttle }, rotation, speedLimit }: Sweep): number {
  if (rotation.compromise) return batchSize.items;
  return Math.min(
    batchSize.items,
    rateLimiter?.batchItemsMax ?? Number.POSITIVE_INFINITY,
    speedLimit.batchItemsMax,
    throttle?.batchItemsMax ?? Number.POSITIVE_INFINITY,
  );
}

/**
 * Into how many batches a window is split, each spread over all of it (every n-th record): with ids in heap order a
 * batch of neighbours would fill its pages with dead rows that only the next transaction may prune, and updates would
 * not stay on their page. A window that is not full is spread as well.
 */
function batchesOf(windowItems: number, batchItems: number): number {
  return Math.max(
    Math.ceil(windowItems / batchItems),
    Math.min(batchesPerWindow, Math.floor(windowItems / batchItemsMin)),
  );
}
