/** Where on the wire a trap goes off, and what it does. */
export interface Tripwire {
  /** Statements that have to pass one after the other on one connection; the last one springs the trap. */
  readonly steps: readonly RegExp[];
  /** Only connections that introduced themselves so. */
  readonly application?: RegExp;
  /**
   * - `before`: the server has not seen the last statement
   * - `uncommitted`: the server has run it and waits for the Sync that commits it
   * - `after`: the server's answer has come, and the client has not seen it
   */
  readonly moment: 'before' | 'uncommitted' | 'after';
  /** Awaited with everything held back. `pass`: all goes on; `drop`: the connection is cut; or what to send instead. */
  readonly spring: () => Promise<'pass' | 'drop' | { readonly instead: string }>;
}

/** A tripwire that goes off once. */
export interface ArmedTripwire extends Tripwire {
  /** True for the one caller that may spring it. */
  take(): boolean;
  disarm(): void;
}

export function arm(tripwire: Tripwire): ArmedTripwire {
  let armed = true;
  return {
    ...tripwire,
    take() {
      const taken = armed;
      armed = false;
      return taken;
    },
    disarm() {
      armed = false;
    },
  };
}
