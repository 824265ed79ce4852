import type { DebianToolName } from '../../packages/stack/src/debian-tools.ts';
import { debianTool, type Tool } from '../../packages/stack/src/debian-unpack.ts';
import { MISSING_TOOL } from './missing-tools.ts';

/** What `npm test` downloads for one tool without being asked. */
const MEGABYTES = 60;

export type TestTool<N extends DebianToolName> = Tool<N> & {
  /** For the options of a test: false, or why the tool is not there. */
  skip: false | string;
};

/**
 * A tool for tests: `const bouncer = await tool('pgbouncer')`, then `test('…', { skip: bouncer.skip }, …)`, which may use
 * `bouncer.programs` and `bouncer.env`. Tools larger than 60 MB are downloaded with TEST_TOOLS=all only.
 */
export async function tool<N extends DebianToolName>(
  name: N,
  options: { all?: boolean; cache?: string; installed?: boolean } = {},
): Promise<TestTool<N>> {
  const { all = process.env.TEST_TOOLS === 'all', ...where } = options;
  try {
    const found = await debianTool(name, { ...where, ...(!all && { maxMegabytes: MEGABYTES }) });
    return { ...found, skip: false };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'TOOL_NOT_FOUND')) throw error;
    const skip = `${MISSING_TOOL}${error.message}`;
    const refuse = () => {
      throw new Error(skip);
    };
    return {
      skip,
      get programs() {
        return refuse();
      },
      get env() {
        return refuse();
      },
    };
  }
}
