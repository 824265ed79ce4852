let end: Promise<void> | null = null;

/**
 * The end of this turn of the event loop, at which everything that has arrived is read. Answers that are known at once leave
 * together then: each that leaves by itself may have to wake its reader, which takes several times what the writing does.
 */
export function leaveTogether(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = null;
      resolve();
    });
  });
  return end;
}
