import {
  ChainedTokenCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import { NoCredentials } from './azure-kv-errors.ts';

/** Those that a server has, as Microsoft's libraries find them. Never those of a person, which are found by running programs. */
export interface Credentials {
  /** An access token for this audience. Throws `NoCredentials`. */
  token(audience: string, signal: AbortSignal): Promise<string>;
  /** From now on they are looked for anew. */
  drop(): void;
}

/** A token is not used in its last minute. */
const spareMs = 60_000;

export function createCredentials(): Credentials {
  let source: TokenCredential | null = null;
  let held: { readonly audience: string; readonly token: string; readonly untilMs: number } | null = null;
  return {
    drop() {
      source = null;
      held = null;
    },
    async token(audience, signal) {
      if (held !== null && held.audience === audience && performance.now() < held.untilMs) return held.token;
      try {
        source ??= find();
        const given = await source.getToken(`${audience}/.default`, { abortSignal: signal });
        if (given === null) throw new NoCredentials(null);
        // By the clock that nobody sets: set back, the other one would have it used for longer.
        const leftMs = given.expiresOnTimestamp - Date.now() - spareMs;
        held = { audience, token: given.token, untilMs: performance.now() + leftMs };
        return given.token;
      } catch (error) {
        source = null;
        throw new NoCredentials(statusOf(error));
      }
    },
  };
}

function find(): TokenCredential {
  const clientId = process.env.AZURE_CLIENT_ID;
  const identity =
    clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  const workload =
    process.env.AZURE_FEDERATED_TOKEN_FILE === undefined ? [] : [new WorkloadIdentityCredential()];
  return new ChainedTokenCredential(new EnvironmentCredential(), ...workload, identity);
}

/** Of the answer to a request for a token, which Microsoft's libraries hide below others; of several sources, that which answered. */
function statusOf(error: unknown, depth = 0): number | null {
  if (typeof error !== 'object' || error === null || depth > 4) return null;
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  if ('status' in error && typeof error.status === 'number') return error.status;
  const within = [
    ...('errors' in error && Array.isArray(error.errors) ? error.errors : []),
    'cause' in error ? error.cause : null,
  ];
  return within.map((one) => statusOf(one, depth + 1)).find((status) => status !== null) ?? null;
}
