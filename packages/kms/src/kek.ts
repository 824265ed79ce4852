/**
 * A key encryption key in a KMS: wraps DEKs and never shows itself. What every provider owes its callers:
 *
 * - It throws `KmsError` and nothing else. `UNAVAILABLE` means that the same call may succeed later; every other code
 *   means that it will not. A call that the KMS does not answer ends with `UNAVAILABLE`; none waits for ever.
 * - Calls may overlap. A call that failed has changed nothing and may be repeated.
 * - Neither a DEK nor the KEK is ever in an error, a log, a string or a file.
 */
export interface Kek {
  /**
   * Which KEK this is, wherever it is reached: a fingerprint, an ARN, a mount and a key's name. Stored beside what it
   * wraps, and that is unwrapped by the KEK of this id only. Begins with the scheme, and reveals nothing of the key.
   */
  readonly id: string;

  /** As given to `openKek`: where this process reaches it. Stored too, for people. Holds no secret. */
  readonly uri: string;

  /**
   * The wrapped DEK: at most 1,024 bytes for a DEK of 32, different at each call, of a form that only this provider
   * reads. The given bytes are left as they are and not kept: the caller zeroes them.
   *
   * @param aad what the wrapped DEK is bound to, see `dekWrapAad`
   */
  wrap(dek: Buffer, aad: Buffer): Promise<Buffer>;

  /**
   * The DEK, in memory of its own (never a slice of Node's pool), which the caller zeroes.
   *
   * @throws KmsError `NOT_FOUND` when it was wrapped under another KEK; `CORRUPT` when it is damaged or `aad` is not
   *   what it was wrapped with
   */
  unwrap(wrapped: Buffer, aad: Buffer): Promise<Buffer>;

  /** Lets go of the KEK and its connections. From then on `wrap` and `unwrap` throw `UNAVAILABLE`. May be repeated. */
  close(): Promise<void>;
}

/** What a file of `providers/` exports as `open`. `rest` is the URI behind the scheme and its colon. Throws `KmsError`. */
export type OpenKek = (uri: string, rest: string) => Promise<Kek>;
