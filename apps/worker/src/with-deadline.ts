/** Resolves when the work has ended, however it did, and after so long in any case. */
export async function withDeadline(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.then(() => {}), deadline]).catch(() => {});
  clearTimeout(timer);
}
