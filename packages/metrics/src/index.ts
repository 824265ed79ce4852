export { type ConnectionFigures, countConnections } from './connections.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { type MetricsPlace, serveMetrics } from './serve.ts';
