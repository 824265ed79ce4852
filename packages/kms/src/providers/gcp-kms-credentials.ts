import { GoogleAuth, gcpMetadata } from 'google-auth-library';
import { service } from '../key-names/gcp-kms.ts';
import { attemptMs, NoCredentials } from './gcp-kms-errors.ts';

/** What a process proves itself with, found where every library of Google's looks, and kept until it is refused. */
export interface Credentials {
  /** What goes with a request, an access token among it. Throws `NoCredentials`. */
  headers(signal: AbortSignal): Promise<Headers>;
  /** From now on they are looked for anew: a file may hold others by now. */
  drop(): void;
}

export function createCredentials(project: string): Credentials {
  let current: GoogleAuth | null = null;

  const drop = (): void => {
    current = null;
    // That there is no metadata server is remembered for the whole process otherwise, also when it was late once.
    gcpMetadata.resetIsAvailableCache();
  };

  return {
    drop,
    async headers(signal) {
      current ??= find(project);
      const mine = current;
      let isGiven = false;
      // Whoever joins a request for a token that is never answered waits with it.
      signal.addEventListener('abort', () => isGiven || current !== mine || drop(), { once: true });
      try {
        const client = await mine.getClient();
        return await client.getRequestHeaders(`${service}/`);
      } catch (error) {
        if (current === mine) drop();
        throw new NoCredentials(statusOf(error));
      } finally {
        isGiven = true;
      }
    },
  };
}

function find(project: string): GoogleAuth {
  const auth = new GoogleAuth({
    // Not needed, and otherwise looked for by running programs.
    projectId: project,
    clientOptions: { transporterOptions: { timeout: attemptMs, redirect: 'error' } },
  });
  // Not `scopes`: a service account signs its token itself then, for this service only, and nobody is asked for one.
  auth.defaultScopes = ['https://www.googleapis.com/auth/cloudkms'];
  return auth;
}

/** Of the answer to a request for a token. */
function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('response' in error)) return null;
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('status' in response)) return null;
  return typeof response.status === 'number' ? response.status : null;
}
