/** What Postgres sends with an error, as far as it is looked at here. */
export interface PostgresError {
  readonly message: string;
  readonly where?: unknown;
  readonly schema?: unknown;
  readonly table?: unknown;
  readonly column?: unknown;
  readonly constraint?: unknown;
}

const name = '(?:"[^"\\n]{1,64}"|[A-Za-z_][\\w$]{0,62})';
const qualified = `${name}(?:\\.${name}){0,2}`;
const signature = `${qualified}\\([\\w ,"[\\].]{0,200}\\)`;

/** The messages that name an object and hold nothing else. Of any other, nothing is told: it may quote a value. */
const messages: Readonly<Record<string, readonly string[]>> = {
  '42P01': [`relation "(${qualified})" does not exist`],
  '3F000': [`schema "(${qualified})" does not exist`],
  '42883': [`((?:function|procedure) ${signature}) does not exist`, `(operator) does not exist: [^"\\n]*`],
  '42703': [
    `(column ${qualified}) does not exist`,
    `(column "${qualified}" of relation "${qualified}") does not exist`,
    `(column "${qualified}") does not exist`,
  ],
  '42704': [`(\\w+ "${qualified}") does not exist`],
  '42501': [
    `permission denied for (\\w+ ${qualified})`,
    `must be (owner of \\w+ ${qualified})`,
    `query would be affected by (row-level security policy for table "${qualified}")`,
    `new row violates (row-level security policy for table "${qualified}")`,
  ],
  '55P03': [`could not obtain lock on (relation "${qualified}")`],
};

/** The object that an error is about, by its name; undefined when it names none, or speaks another language. */
export function named(error: PostgresError, sqlState: string): string | undefined {
  for (const pattern of messages[sqlState] ?? []) {
    const [, found] = new RegExp(`^${pattern}$`).exec(error.message) ?? [];
    if (found !== undefined) return found.replaceAll('"', '');
  }
  const parts = [error.schema, error.table, error.column ?? error.constraint].filter(isName);
  return parts.length === 0 ? undefined : parts.join('.');
}

function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[\w$ .-]{1,64}$/.test(text);
}

/**
 * The function in whose body the error arose, if that is not one of schema rekey: a trigger of the application, or
 * something that it calls. The innermost stands first.
 */
export function foreignFunction({ where }: PostgresError): string | undefined {
  if (typeof where !== 'string') return undefined;
  // `PL/pgSQL function public.audit() line 3 at SQL statement`, `SQL function "audit" statement 1`; whatever the language.
  for (const [, plpgsql, sql] of where.matchAll(
    new RegExp(`PL/\\w+[ -]\\p{L}+ (${signature})|SQL[ -]\\p{L}+ [«»„"'](\\w+)[«»“"']`, 'gu'),
  )) {
    const found = plpgsql ?? sql ?? '';
    return found.startsWith('rekey.') ? undefined : found.replaceAll('"', '');
  }
  return undefined;
}
