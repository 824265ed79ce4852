import { type Queryable, StoreError, type StoreErrorCode } from '@rekey/db';
import { type Examined, error, type Finding } from './finding.ts';
import { examineRights } from './rights.ts';
import {
  examineDrift,
  examineInstallation,
  examineIntegrity,
  examineTargets,
  examineVersion,
} from './schema.ts';
import { examineApplicationSettings, examineClock, examineLeftovers, examineServer } from './server.ts';
import { examineDeks, examineRotations, examineTransactions, type Patience } from './work.ts';

const ofAnyDatabase = { server: examineServer, clock: examineClock };
const ofTheSchema = {
  integrity: examineIntegrity,
  'the installation': examineInstallation,
  drift: examineDrift,
  targets: examineTargets,
  rights: examineRights,
  "applications' settings": examineApplicationSettings,
  'vacuum and slots': examineLeftovers,
  rotations: examineRotations,
  DEKs: examineDeks,
  transactions: examineTransactions,
};

/** Nothing else of it can be asked then either. */
const ofConnections: ReadonlySet<StoreErrorCode> = new Set(['UNAVAILABLE', 'UNFIT']);

/**
 * Everything about this database that an operator should know of. Changes nothing, and takes no lock that anybody waits for. What
 * the role may not see is said, not left out.
 */
export async function examineDatabase(on: Queryable, patience: Patience): Promise<Required<Examined>> {
  const facts: Record<string, string> = {};
  const findings: Finding[] = [];
  const unseen: string[] = [];
  const look = async (name: string, examine: () => Promise<Examined>): Promise<boolean> => {
    try {
      const found = await examine();
      Object.assign(facts, found.facts);
      findings.push(...found.findings);
      unseen.push(...(found.unseen ?? []));
      return found.findings.length === 0;
    } catch (trouble) {
      if (!(trouble instanceof StoreError) || ofConnections.has(trouble.code)) throw trouble;
      if (trouble.code === 'ACCESS_DENIED') unseen.push(`${name}: ${trouble.message}`);
      else findings.push(error(trouble.code, `${name}: ${trouble.message}.`, 'see what is missing there'));
      return false;
    }
  };
  for (const [name, examine] of Object.entries(ofAnyDatabase)) await look(name, () => examine(on));
  if (await look('schema', () => examineVersion(on)))
    for (const [name, examine] of Object.entries(ofTheSchema)) await look(name, () => examine(on, patience));
  return { facts, findings, unseen };
}
