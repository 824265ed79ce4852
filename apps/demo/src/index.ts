/** What the tests look at; the two programs are `demo.ts` and `start.ts`. */
export type { Activity } from './application.ts';
export { bar, barLine } from './bars.ts';
export { count, describeCounts, left, percent, roughly, took } from './format.ts';
export { createLedger } from './ledger.ts';
export { liveView, noticeableIn, plainLine, type Scene } from './live-view.ts';
export { isShown, parseLogLine } from './log-lines.ts';
export { clip, createPaint, widthOf } from './paint.ts';
export { type Evidence, judge } from './proof.ts';
export { createRates } from './rates.ts';
export { createRecordSet, proportions, tenantId } from './records.ts';
export { openScreen } from './screen.ts';
export { nextLines, summaryLines } from './summary.ts';
export { signToken } from './token.ts';
export { welcomeLines } from './welcome.ts';
