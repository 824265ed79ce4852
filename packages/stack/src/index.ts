export { closeDatabase, createDatabase, dropDatabase } from './database.ts';
export { StackError, type StackErrorCode } from './errors.ts';
export type { Exit } from './keeper-protocol.ts';
export { type PostgresServer, startPostgres } from './postgres.ts';
export {
  apiFlags,
  LINES_KEPT,
  type ProcessOptions,
  type RunningProcess,
  startProcess,
  workerFlags,
} from './process.ts';
export { startRedis } from './redis.ts';
export { type DatabaseUrls, makeRoles, oneRole } from './roles.ts';
export { runProgram } from './run-program.ts';
export { runUntilDone } from './run-until-done.ts';
export { type Log, type Server, type Servers, type ServerUrls, startServers } from './servers.ts';
