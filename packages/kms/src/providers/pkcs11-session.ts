import type { Buffer } from 'node:buffer';
import { statSync } from 'node:fs';
import { endianness } from 'node:os';
import pkcs11js from 'pkcs11js';
import { KmsError } from '../kms-error.ts';
import { nameOf } from './pkcs11-errors.ts';
import type { TokenKey } from './pkcs11-key.ts';
import { pinOf, refusedPins } from './pkcs11-pin.ts';

export type Module = InstanceType<typeof pkcs11js.PKCS11>;

export interface Session {
  readonly handle: Buffer;
  readonly key: Buffer;
}

/** Finds the key in a session that is logged in, and refuses one that is not as it should be. */
export type FindKey = (module: Module, handle: Buffer, key: TokenKey) => Buffer;

interface Held {
  readonly module: Module;
  users: number;
  isInitialised: boolean;
}

/** A module is initialised once in a process, whatever the number of its KEKs. */
const modules = new Map<string, Held>();

/** @throws KmsError `INVALID_URI` when it cannot be loaded, `DENIED` when everybody can write it */
export function useModule(path: string): Module {
  const held = modules.get(path);
  if (held !== undefined) {
    held.users += 1;
    return held.module;
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new KmsError('INVALID_URI', `PKCS #11: the module ${path} is not there`);
  if ((stat.mode & 0o002) !== 0)
    throw new KmsError('DENIED', `PKCS #11: everybody can write the module ${path}, which is not loaded`);
  const module = new pkcs11js.PKCS11();
  try {
    module.load(path);
  } catch {
    throw new KmsError('INVALID_URI', `PKCS #11: the module ${path} cannot be loaded`);
  }
  modules.set(path, { module, users: 1, isInitialised: false });
  return module;
}

export function leaveModule(path: string): void {
  const held = modules.get(path);
  if (held === undefined) return;
  held.users -= 1;
  if (held.users > 0) return;
  modules.delete(path);
  finalise(held);
  quietly(() => held.module.close());
}

function initialise(path: string): void {
  const held = modules.get(path);
  if (held === undefined || held.isInitialised) return;
  try {
    held.module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  } catch (error) {
    if (!(error instanceof Error && error.message === 'CKR_CRYPTOKI_ALREADY_INITIALIZED')) throw error;
  }
  held.isInitialised = true;
}

/** Some modules look for tokens only when they are initialised; it ends the sessions of all KEKs, so there must be one. */
function lookAnew(path: string): void {
  const held = modules.get(path);
  if (held?.users === 1) finalise(held);
}

function finalise(held: Held): void {
  if (held.isInitialised) quietly(() => held.module.C_Finalize());
  held.isInitialised = false;
}

/** Logged in, with the key found and judged. Throws the module's errors and `KmsError`. */
export async function openSession(module: Module, key: TokenKey, find: FindKey): Promise<Session> {
  const pin = await pinOf(key.pinFile);
  try {
    initialise(key.module);
    const slot = slotOf(module, key);
    const handle = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
    try {
      logIn(module, handle, `${key.module} ${key.token} ${key.serial}`, pin);
      return { handle, key: find(module, handle, key) };
    } catch (error) {
      closeSession(module, handle);
      throw error;
    }
  } catch (error) {
    // Some modules never take a token up again that was away while they had it open.
    if (lostTouch.has(nameOf(error) ?? '')) lookAnew(key.module);
    throw error;
  }
}

const lostTouch: ReadonlySet<string> = new Set([
  'CKR_GENERAL_ERROR',
  'CKR_FUNCTION_FAILED',
  'CKR_DEVICE_ERROR',
  'CKR_DEVICE_REMOVED',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_TOKEN_NOT_RECOGNIZED',
  'CKR_SLOT_ID_INVALID',
]);

export function closeSession(module: Module, handle: Buffer): void {
  quietly(() => module.C_CloseSession(handle));
}

function slotOf(module: Module, { module: path, token, serial }: TokenKey): Buffer {
  const slots = module.C_GetSlotList(true).filter((slot) => {
    const info = module.C_GetTokenInfo(slot);
    return (
      (token === undefined || info.label.trim() === token) &&
      (serial === undefined || info.serialNumber.trim() === serial)
    );
  });
  const [slot] = slots;
  if (slot === undefined) {
    lookAnew(path);
    throw new KmsError('UNAVAILABLE', 'PKCS #11: the token is not there');
  }
  if (slots.length > 1)
    throw new KmsError('DENIED', 'PKCS #11: there are several such tokens; name the serial');
  const { flags } = module.C_GetTokenInfo(slot);
  if ((flags & pkcs11js.CKF_USER_PIN_FINAL_TRY) !== 0)
    throw new KmsError(
      'DENIED',
      'PKCS #11: the token has one attempt for its PIN left, which is for a person',
    );
  return slot;
}

function logIn(module: Module, handle: Buffer, token: string, pin: string): void {
  if (refusedPins.has(token, pin))
    throw new KmsError('DENIED', 'PKCS #11: CKR_PIN_INCORRECT; the same PIN is not tried twice');
  try {
    module.C_Login(handle, pkcs11js.CKU_USER, pin);
  } catch (error) {
    if (error instanceof Error && error.message === 'CKR_USER_ALREADY_LOGGED_IN') return;
    if (nameOf(error) === 'CKR_PIN_INCORRECT') refusedPins.add(token, pin);
    throw error;
  }
}

/** The one object of that class which the URI names. */
export function objectOf(
  module: Module,
  handle: Buffer,
  { object, objectId }: Pick<TokenKey, 'object' | 'objectId'>,
  ofClass: number,
): Buffer {
  module.C_FindObjectsInit(handle, [
    { type: pkcs11js.CKA_CLASS, value: ofClass },
    ...(object === undefined ? [] : [{ type: pkcs11js.CKA_LABEL, value: object }]),
    ...(objectId === undefined ? [] : [{ type: pkcs11js.CKA_ID, value: objectId }]),
  ]);
  const found = module.C_FindObjects(handle, 2);
  module.C_FindObjectsFinal(handle);
  const [key] = found;
  if (key === undefined) throw new KmsError('NOT_FOUND', 'PKCS #11: the token has no such key');
  if (found.length > 1) throw new KmsError('DENIED', 'PKCS #11: there are several such keys; name the id');
  return key;
}

/** Attributes of one number or flag each. */
export function numbersOf(
  module: Module,
  handle: Buffer,
  key: Buffer,
  types: readonly number[],
): readonly number[] {
  return module
    .C_GetAttributeValue(
      handle,
      key,
      types.map((type) => ({ type })),
    )
    .map(({ value }) => numberOf(value));
}

/** As modules have them in memory: a flag of one byte, or a number of four or eight, of which kinds of vendors use the highest bit. */
function numberOf(bytes: Buffer): number {
  const digits = endianness() === 'LE' ? [...bytes].reverse() : [...bytes];
  return digits.reduce((number, digit) => number * 256 + digit, 0);
}

/** The one key of that class which the URI names: of the type that it must have, and kept inside by the token. */
export function keyInside(
  module: Module,
  handle: Buffer,
  key: Pick<TokenKey, 'object' | 'objectId'>,
  { ofClass, type, name }: { readonly ofClass: number; readonly type: number; readonly name: string },
): Buffer {
  const found = objectOf(module, handle, key, ofClass);
  const [itsType, sensitive, extractable] = numbersOf(module, handle, found, [
    pkcs11js.CKA_KEY_TYPE,
    pkcs11js.CKA_SENSITIVE,
    pkcs11js.CKA_EXTRACTABLE,
  ]);
  if (itsType !== type) throw new KmsError('DENIED', `PKCS #11: the key is no ${name}`);
  if (sensitive !== 1 || extractable !== 0)
    throw new KmsError('DENIED', 'PKCS #11: the key can be extracted from the token');
  return found;
}

function quietly(work: () => unknown): void {
  try {
    work();
  } catch {
    // What is gone need not be let go of.
  }
}
