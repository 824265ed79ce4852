import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';

type Config<Configuration> = Omit<Configuration, 'registers' | 'aggregator'>;

/** What one process tells of itself. Each name is ours, and each value of a label comes from a closed list of ours. */
export interface Metrics {
  counter<Label extends string>(config: Config<CounterConfiguration<Label>>): Counter<Label>;
  gauge<Label extends string>(config: Config<GaugeConfiguration<Label>>): Gauge<Label>;
  histogram<Label extends string>(config: Config<HistogramConfiguration<Label>>): Histogram<Label>;
  /** A gauge that is read when it is asked for; absent while it is null. */
  reading(name: string, help: string, read: () => number | null): void;
  /** All of them, in Prometheus' text format. */
  text(): Promise<string>;
  /** Of that text. */
  readonly contentType: string;
}

/**
 * @param withProcess what Node and the system tell of the process: memory, processor, event loop, garbage collection
 */
export function createMetrics({ withProcess = true }: { withProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (withProcess) {
    collectDefaultMetrics({ register: registry });
    leaveOutMisnamed(registry);
  }
  const registers = [registry];
  return {
    counter: (config) => new Counter({ ...config, registers }),
    gauge: (config) => new Gauge({ ...config, registers }),
    histogram: (config) => new Histogram({ ...config, registers }),
    reading(name, help, read) {
      const gauge = new Gauge({
        name,
        help,
        registers,
        collect() {
          const value = read();
          if (value === null) gauge.remove();
          else gauge.set(value);
        },
      });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Some gauges of the default collectors are named as counters are, which promtool refuses. */
function leaveOutMisnamed(registry: Registry): void {
  for (const metric of registry.getMetricsAsArray())
    if (metric instanceof Gauge && 'name' in metric && String(metric.name).endsWith('_total'))
      registry.removeSingleMetric(String(metric.name));
}
