/** The console, as it is served. */
export interface ConsoleSettings {
  /** The origin under which browsers reach it; null: this machine, at the port where the API listens. */
  readonly publicUrl: string | null;
  /** How people sign in at the identity provider; null: by a pasted token alone. */
  readonly login: { readonly clientId: string; readonly clientSecret: string | undefined } | null;
}

/** The origins that count as the console's own. */
export function ownOrigins(publicUrl: string | null, port: () => number | null): () => ReadonlySet<string> {
  if (publicUrl !== null) {
    const fixed: ReadonlySet<string> = new Set([new URL(publicUrl).origin]);
    return () => fixed;
  }
  // As browsers write it: without the port where it is the scheme's own.
  const at = (host: string): string => new URL(`http://${host}:${port() ?? 0}`).origin;
  return () => new Set(['localhost', '127.0.0.1', '[::1]'].map(at));
}
