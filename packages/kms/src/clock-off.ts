/** Less is forgiven by every KMS, which allow five minutes and more. */
const forgivenMs = 4 * 60_000;

/**
 * That this machine's clock is not that of a server, which then refuses what was dated by it; null: it is, or nothing tells.
 *
 * @param date of the server's answer
 * @param correctedMs what was added to the clock when the request was dated
 */
export function clockOff(date: string | null | undefined, correctedMs = 0): string | null {
  const offMs = Date.now() - Date.parse(date ?? '');
  // An answer without a date, or a request that was dated rightly and refused for something else.
  if (!(Math.abs(offMs + correctedMs) >= forgivenMs)) return null;
  const minutes = Math.round(Math.abs(offMs) / 60_000);
  return `the clock of this machine is ${minutes} minutes ${offMs > 0 ? 'ahead of' : 'behind'} the server's`;
}
