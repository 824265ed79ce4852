import type { Metrics } from './metrics.ts';

/** Of a process' connections to Postgres. */
export interface ConnectionFigures {
  readonly max: number;
  readonly open: number;
  /** Statements that were answered on them. */
  readonly statements: number;
}

/** The same in every process. */
export function countConnections(metrics: Metrics, connections: ConnectionFigures): void {
  metrics.reading(
    'rekey_database_connections',
    'Connections to Postgres that this process has.',
    () => connections.open,
  );
  metrics.reading(
    'rekey_database_connections_max',
    'Connections to Postgres that this process may have (DATABASE_CONNECTIONS_MAX).',
    () => connections.max,
  );
  let told = 0;
  const statements = metrics.counter({
    name: 'rekey_database_statements_total',
    help: 'Statements that Postgres answered to this process.',
    collect() {
      const { statements: answered } = connections;
      statements.inc(answered - told);
      told = answered;
    },
  });
}
