import './need-node.mjs';

export { ConfigError, refuseToStart } from './config-error.ts';
export { describeError, type ErrorDescription } from './describe-error.ts';
export * from './env-types.ts';
export { guardProcess, onOrphaned } from './guard-process.ts';
export { type HealthServerOptions, startHealthServer } from './health-server.ts';
export { explainListenError } from './listen-error.ts';
export { type Listening, listenOn } from './listen-on.ts';
export { type LogField, logFields } from './loggable.ts';
export { createLogger, type LogFields, type Logger, type LoggerOptions } from './logger.ts';
export { type Environment, type EnvRule, readEnv } from './read-env.ts';
export { type EndedRotation, logRotationEnd } from './rotation-lines.ts';
export { isSecureUrl } from './secure-url.ts';
export { type Closer, closeOnSignal, type ShutdownOptions } from './shutdown.ts';
