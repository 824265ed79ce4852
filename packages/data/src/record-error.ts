/**
 * Why a record could not be written, in words that an application acts on.
 *
 * - `COLUMNS_CHANGED`: a plain column is not there, or not of the type that it was known to have.
 * - `VALUE_REFUSED`: a plain column's value cannot be stored as it is, or a constraint of the table refuses it.
 * - `ID_REFUSED`: the database cannot store that id, or takes two of the ids for the same one.
 * - `TOO_LARGE`: the installation allows no ciphertext of that size.
 * - `NOT_WRITTEN`: the database took the statement and wrote nothing: a trigger or a rule of the table's.
 */
export type RecordErrorCode =
  | 'COLUMNS_CHANGED'
  | 'VALUE_REFUSED'
  | 'ID_REFUSED'
  | 'TOO_LARGE'
  | 'NOT_WRITTEN';

export class RecordError extends Error {
  readonly code: RecordErrorCode;

  constructor(code: RecordErrorCode, message: string) {
    super(message);
    this.name = 'RecordError';
    this.code = code;
  }
}

/** What an index can always hold: a third of a page, less what belongs to it. */
const indexedBytes = 2_600;

/**
 * What Postgres said against the values of a record, without the values: neither its message nor its detail may be
 * shown, since both quote them. Null for anything that is not about them.
 *
 * @param longestId of those written, in bytes
 */
export function refusalOf(error: unknown, longestId: number): RecordError | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  const code = error.code;
  if (/^(42703|42704|42804|42846|42883)$/.test(code)) {
    return new RecordError('COLUMNS_CHANGED', `The columns are not those that the table has (${code})`);
  }
  if (code === 'RK008')
    return new RecordError('TOO_LARGE', 'A value is larger than this installation allows');
  if (code === '21000') return new RecordError('ID_REFUSED', 'Two of the ids are the same to the database');
  const named = 'constraint' in error && typeof error.constraint === 'string' ? ` ${error.constraint}` : '';
  if (code === '54000') {
    const which = longestId > indexedBytes ? 'ID_REFUSED' : 'VALUE_REFUSED';
    return new RecordError(which, `It is longer than an index can hold:${named} (${code})`);
  }
  if (/^(22|23)...$/.test(code) || code === '428C9' || code === '44000') {
    return new RecordError('VALUE_REFUSED', `The database refuses the record:${named} (${code})`);
  }
  return null;
}
