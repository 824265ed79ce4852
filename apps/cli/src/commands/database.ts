import type { Call, Command, Option } from '../command.ts';

/**
 * What needs the database. Everything behind it is read when such a command is run, and only then: whoever talks to an API
 * loads no driver, no KMS and no queue.
 */
function ofDatabase(
  {
    name,
    about,
    operands = [],
    options,
  }: Pick<Command, 'name' | 'about' | 'operands'> & {
    readonly options: Readonly<Record<string, Option>>;
  },
  run: (call: Call) => Promise<number>,
): Command {
  return { name, operands, about, remote: false, options, run };
}

const withoutSampleTables = { about: 'leave out the tables that ship: the application brings its own' };
const itemTypes = ['credentials', 'apiKeys', 'secrets'] as const;

export const init = ofDatabase(
  {
    name: 'init',
    about: 'install the schema rekey into a database, and say what comes next',
    options: { 'without-sample-tables': withoutSampleTables },
  },
  async (call) => (await import('../database/migrate.ts')).init(call),
);

export const migrate = ofDatabase(
  {
    name: 'migrate',
    about: 'bring the schema up to the version of this program',
    options: {
      'without-sample-tables': withoutSampleTables,
      check: { about: 'change nothing: name what differs from this version' },
    },
  },
  async (call) => (await import('../database/migrate.ts')).migrate(call),
);

export const targetRegister = ofDatabase(
  {
    name: 'target register',
    operands: ['name'],
    about: 'register a table whose records are to be rotated',
    options: {
      type: { value: 'TYPE', about: 'what its records count as', oneOf: itemTypes },
      table: { value: 'TABLE', about: 'which, as it is written in SQL: public.tokens' },
      'id-column': { value: 'COLUMN', about: 'id unless said' },
      'tenant-column': { value: 'COLUMN', about: 'tenant_id unless said' },
      'key-column': { value: 'COLUMN', about: 'key_number unless said' },
      'ciphertext-column': { value: 'COLUMN', about: 'ciphertext unless said' },
      check: { about: 'change nothing: list all that stands in the way' },
    },
  },
  async (call) => (await import('../database/target.ts')).register(call),
);

export const targetList = ofDatabase(
  { name: 'target list', about: 'list the registered tables', options: {} },
  async (call) => (await import('../database/target.ts')).list(call),
);

export const doctor = ofDatabase(
  {
    name: 'doctor',
    about: 'look for what is wrong with an installation, and say what to do',
    options: {
      old: {
        value: 'TIME',
        about: 'from when on a transaction or a silence is worth a line, 5m unless said',
      },
    },
  },
  async (call) => (await import('../database/doctor.ts')).doctor(call),
);
