import { KmsError } from '@rekey/kms';
import { refusalKeptMs } from '@rekey/times';

/** What a KEK has refused a moment ago: whoever asks for the same meanwhile is told so, and its KMS is not asked by each. */
export interface Refusals {
  /** Throws what the KEK has said, or asks. `what`: the DEK's material and the KEK. */
  of<Value>(what: string, ask: () => Promise<Value>): Promise<Value>;
}

const refusalsMax = 10_000;

export function createRefusals(keptMs = refusalKeptMs): Refusals {
  const refused = new Map<string, { readonly error: KmsError; readonly at: number }>();
  return {
    async of(what, ask) {
      const known = refused.get(what);
      if (known !== undefined && performance.now() - known.at < keptMs) throw known.error;
      refused.delete(what);
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof KmsError) || (error.code !== 'DENIED' && error.code !== 'NOT_FOUND'))
          throw error;
        refused.set(what, { error, at: performance.now() });
        const [oldest] = refused.keys();
        if (refused.size > refusalsMax && oldest !== undefined) refused.delete(oldest);
        throw error;
      }
    },
  };
}
