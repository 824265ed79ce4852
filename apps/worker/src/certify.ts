import {
  type CertifiedWork,
  certificateFacts,
  certificatesDue,
  keepCertificate,
  registerSecondSigningKey,
  registerSigningKey,
} from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import { type Coverage, type Predicate, type Signer, seal, statementOf } from '@rekey/evidence';
import { KmsError } from '@rekey/kms';
import type { Logger } from '@rekey/runtime';
import manifest from '../package.json' with { type: 'json' };
import type { EventPlace, KeepLog } from './keep-log.ts';
import type { OpenSigner } from './usable-signer.ts';

interface CertifyDependencies {
  readonly store: Store;
  readonly signer: OpenSigner;
  /** Signs besides, always or never. */
  readonly secondSigner?: Signer | null;
  /** Shows that events are in the log. */
  readonly cover: KeepLog['cover'];
  readonly logger: Logger;
}

/** At one time, so that no other chore waits long. */
const atOnce = 20;
/** What was completed earlier and has none, as before there were certificates, is looked for seldom. */
const recentHours = 1;
const everHours = 1_000_000;
/** For so long a certificate waits for the log to have its event: it is to be there within ten seconds. */
const coverMs = 5_000;

interface Found {
  readonly work: CertifiedWork;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly now: Date;
}

/**
 * Makes certificates of completed rotations, rewraps and destructions that have none. Any number of workers may do it at once, and one may die in its
 * midst: the first that is kept is the certificate, and until then the work is found again.
 */
export function createCertify({
  store,
  signer: open,
  secondSigner = null,
  cover,
  logger,
}: CertifyDependencies): (all: boolean) => Promise<void> {
  let told = false;
  let isAway = false;
  return async (all) => {
    const due = await certificatesDue(store, all ? everHours : recentHours, atOnce);
    if (due.length === 0) return;
    try {
      await certifyAll(due, await open());
      isAway = false;
    } catch (error) {
      // Rotations wait for their certificates meanwhile, and for nothing else.
      if (!(error instanceof KmsError)) throw error;
      if (!isAway) logger.error('no certificates are made: the signing key cannot be used', { error });
      isAway = true;
    }
  };

  async function certifyAll(due: readonly CertifiedWork[], signer: Signer): Promise<void> {
    const isUsable =
      (await registerSigningKey(store, signer)) &&
      (secondSigner === null || (await registerSecondSigningKey(store, secondSigner)));
    if (!isUsable) {
      if (!told)
        logger.error(
          'no certificates are made: SIGNING_KEY_URI or SECOND_SIGNING_KEY_URI names a key that is retired or compromised',
        );
      told = true;
      return;
    }
    const found: Found[] = [];
    for (const work of due)
      await unlessOthersToo(work, async () => {
        const { facts, now } = await certificateFacts(store, work);
        if (facts !== null) found.push({ work, facts, now });
      });
    const coverages = await cover(
      found.map(({ facts }) => eventOf(facts)),
      signer,
    );
    for (const [n, one] of found.entries()) {
      const checkpoint = coverages[n] ?? null;
      if (checkpoint === null && isFresh(one)) continue;
      await unlessOthersToo(one.work, async () => {
        if (!(await certify(one, checkpoint, signer))) return;
        logger.info('certificate made', factsOf(one.work));
        if (checkpoint === null)
          logger.warn('a certificate has no checkpoint: its event is not in the log', factsOf(one.work));
      });
    }
  }

  /** Those that are away concern all of them; else the others have theirs, and this one is tried again. */
  async function unlessOthersToo(work: CertifiedWork, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if ((error instanceof StoreError && error.code === 'UNAVAILABLE') || error instanceof KmsError)
        throw error;
      logger.error('a certificate could not be made', { ...factsOf(work), error });
    }
  }

  /** Whether this call made it. */
  async function certify(
    { work, facts, now }: Found,
    checkpoint: Coverage | null,
    signer: Signer,
  ): Promise<boolean> {
    const predicate = {
      ...facts,
      checkpoint,
      softwareVersion: manifest.version,
      signedAt: now.toISOString(),
    };
    // What the database's function answers is the rest of a predicate; verifiers look at it again.
    const forms = await seal(statementOf(work.kind, predicate as unknown as Predicate), signer, secondSigner);
    return keepCertificate(store, work, { kid: signer.kid, ...forms });
  }
}

/** The last one of the work; one that is in no log where there is none. */
function eventOf({ events }: Found['facts']): EventPlace {
  return (events as EventPlace | null) ?? { chain: '00000000-0000-0000-0000-000000000000', sequence: 0 };
}

function isFresh({ facts, now }: Found): boolean {
  const { completed, destroyed } = facts.times as { completed?: string; destroyed?: string };
  const ended = completed ?? destroyed;
  return ended !== undefined && now.getTime() - Date.parse(ended) < coverMs;
}

function factsOf({ kind, subject }: CertifiedWork): Record<string, string> {
  if (kind === 'rotation') return { rotationId: subject };
  return kind === 'rewrap' ? { rewrapId: subject } : { keyId: subject };
}
