import { readFileSync } from 'node:fs';
import { databaseUrlProblem } from '@rekey/db';
import { certificatesIn } from '@rekey/evidence';
import { clusterProblems } from '@rekey/jobs';
import { KmsError, parseKekNames, parseKekTemplates } from '@rekey/kms';
import type { EnvRule } from '@rekey/runtime';
import type { WorkerConfig } from './config.ts';

const databaseRule: EnvRule<WorkerConfig> = {
  over: ['DATABASE_URL'],
  problems({ DATABASE_URL: text }) {
    const problem = databaseUrlProblem(text);
    return problem === null ? [] : [`DATABASE_URL ${problem}`];
  },
};

const keksRule: EnvRule<WorkerConfig> = {
  over: ['KEKS'],
  problems: ({ KEKS: text }) =>
    text === undefined || parseKekNames(text) !== null
      ? []
      : ['KEKS must be name=uri, separated by commas or line ends, each name once, of a-z, 0-9 and -'],
};

const templatesRule: EnvRule<WorkerConfig> = {
  over: ['TENANT_KEKS', 'TENANT_KEK_ADDRESSES', 'KEKS'],
  problems({ TENANT_KEKS: text, TENANT_KEK_ADDRESSES, KEKS }) {
    if (text === undefined) return [];
    try {
      const templates = parseKekTemplates(text, TENANT_KEK_ADDRESSES);
      return (parseKekNames(KEKS ?? '') ?? [])
        .filter(({ name }) => templates.has(name))
        .map(({ name }) => `TENANT_KEKS: the name ${name} is a KEK's in KEKS`);
    } catch (error) {
      if (error instanceof KmsError) return [`TENANT_KEKS: ${error.message}`];
      throw error;
    }
  },
};

const dekAgesRule: EnvRule<WorkerConfig> = {
  over: ['DEK_AGE_MAX_SECONDS', 'DEK_AGE_MAX_SECONDS_WHILE_AWAY'],
  problems: ({ DEK_AGE_MAX_SECONDS: age, DEK_AGE_MAX_SECONDS_WHILE_AWAY: whileAway }) =>
    age <= whileAway
      ? []
      : [
          'DEK_AGE_MAX_SECONDS must be at most DEK_AGE_MAX_SECONDS_WHILE_AWAY: a KMS that is away ends nothing sooner',
        ],
};

const clusterRule: EnvRule<WorkerConfig> = {
  over: ['REDIS_URL', 'QUEUE_PREFIX'],
  problems: ({ REDIS_URL, QUEUE_PREFIX }) => clusterProblems(REDIS_URL, QUEUE_PREFIX),
};

const checkpointRule: EnvRule<WorkerConfig> = {
  over: ['CHECKPOINT_FILE', 'CHECKPOINT_URL', 'WITNESS_URL', 'SIGNING_KEY_URI'],
  problems: ({ SIGNING_KEY_URI, ...config }) =>
    SIGNING_KEY_URI !== undefined
      ? []
      : (['CHECKPOINT_FILE', 'CHECKPOINT_URL', 'WITNESS_URL'] as const)
          .filter((name) => config[name] !== undefined)
          .map((name) => `${name} needs SIGNING_KEY_URI: checkpoints are signed`),
};

const secondKeyRule: EnvRule<WorkerConfig> = {
  over: ['SIGNING_KEY_URI', 'SECOND_SIGNING_KEY_URI'],
  problems: ({ SIGNING_KEY_URI: first, SECOND_SIGNING_KEY_URI: second }) =>
    second === undefined || first !== undefined
      ? []
      : ['SECOND_SIGNING_KEY_URI needs SIGNING_KEY_URI: its signature stands beside that one'],
};

const witnessRule: EnvRule<WorkerConfig> = {
  over: ['WITNESS_URL', 'WITNESS_KEY'],
  problems: ({ WITNESS_URL, WITNESS_KEY }) =>
    (WITNESS_URL === undefined) === (WITNESS_KEY === undefined)
      ? []
      : ['WITNESS_URL and WITNESS_KEY are needed both: what an address answers is believed by its key only'],
};

const timestampRule: EnvRule<WorkerConfig> = {
  over: ['CERTIFICATE_TIMESTAMP_URL', 'CERTIFICATE_TIMESTAMP_CA'],
  problems({ CERTIFICATE_TIMESTAMP_URL: url, CERTIFICATE_TIMESTAMP_CA: ca }) {
    if ((url === undefined) !== (ca === undefined))
      return [
        'CERTIFICATE_TIMESTAMP_URL and CERTIFICATE_TIMESTAMP_CA are needed both: a time stamp that nobody you trust vouches for dates nothing',
      ];
    try {
      if (ca !== undefined) certificatesIn(readFileSync(ca, 'latin1'));
      return [];
    } catch {
      return ['CERTIFICATE_TIMESTAMP_CA must be a file that can be read, with certificates in PEM'];
    }
  },
};

const throttleRule: EnvRule<WorkerConfig> = {
  over: ['THROTTLE_SQL', 'THROTTLE_SQL_ROLE'],
  problems: ({ THROTTLE_SQL, THROTTLE_SQL_ROLE }) =>
    THROTTLE_SQL_ROLE !== undefined && THROTTLE_SQL === undefined
      ? ['THROTTLE_SQL_ROLE needs THROTTLE_SQL: it is who asks that']
      : [],
};

/** What holds between settings, or takes more than a pattern to say. */
export const workerRules: ReadonlyArray<EnvRule<WorkerConfig>> = [
  databaseRule,
  keksRule,
  templatesRule,
  dekAgesRule,
  clusterRule,
  checkpointRule,
  secondKeyRule,
  witnessRule,
  timestampRule,
  throttleRule,
];
