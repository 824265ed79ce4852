import { after } from 'node:test';

/** Where a helper leaves its cleaning up: a test's context, or (by default) the file. */
export type Owner = { after(cleanUp: () => Promise<void>): void };

export const thisFile: Owner = { after: (cleanUp) => after(cleanUp) };
