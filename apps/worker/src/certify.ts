import {
  type CertifiedWork,
  certificateFacts,
  certificatesDue,
  keepCertificate,
  registerSigningKey,
} from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import { type Predicate, type Signer, seal, statementOf } from '@rekey/evidence';
import { KmsError } from '@rekey/kms';
import type { Logger } from '@rekey/runtime';
import manifest from '../package.json' with { type: 'json' };
import type { OpenSigner } from './usable-signer.ts';

interface CertifyDependencies {
  readonly store: Store;
  readonly signer: OpenSigner;
  readonly logger: Logger;
}

/** At one time, so that no other chore waits long. */
const atOnce = 20;
/** What was completed earlier and has none, as before there were certificates, is looked for seldom. */
const recentHours = 1;
const everHours = 1_000_000;

/**
 * Makes certificates of completed rotations, rewraps and destructions that have none. Any number of workers may do it at once, and one may die in its
 * midst: the first that is kept is the certificate, and until then the work is found again.
 */
export function createCertify({
  store,
  signer: open,
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
    if (!(await registerSigningKey(store, signer))) {
      if (!told)
        logger.error('no certificates are made: SIGNING_KEY_URI names a key that is retired or compromised');
      told = true;
      return;
    }
    for (const work of due) {
      try {
        if (await certify(work, signer)) logger.info('certificate made', factsOf(work));
      } catch (error) {
        // Those that are away concern all of them; else the others have theirs, and this one is tried again.
        if ((error instanceof StoreError && error.code === 'UNAVAILABLE') || error instanceof KmsError)
          throw error;
        logger.error('a certificate could not be made', { ...factsOf(work), error });
      }
    }
  }

  /** Whether this call made it. */
  async function certify(work: CertifiedWork, signer: Signer): Promise<boolean> {
    const { facts, now } = await certificateFacts(store, work);
    if (facts === null) return false;
    const predicate = { ...facts, softwareVersion: manifest.version, signedAt: now.toISOString() };
    // What the database's function answers is the rest of a predicate; verifiers look at it again.
    const forms = await seal(statementOf(work.kind, predicate as unknown as Predicate), signer);
    return keepCertificate(store, work, { kid: signer.kid, ...forms });
  }
}

function factsOf({ kind, subject }: CertifiedWork): Record<string, string> {
  if (kind === 'rotation') return { rotationId: subject };
  return kind === 'rewrap' ? { rewrapId: subject } : { keyId: subject };
}
