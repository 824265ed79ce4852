/** What docs/metrics.md prints is taken from there, and asked of a real Prometheus that scrapes both processes through a campaign. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCampaign } from '@rekey/control';
import { damage, flipBit } from '../harness/damage.ts';
import { installation } from '../harness/installation.ts';
import { skipWithoutPrometheus, startPrometheus } from '../harness/prometheus.ts';
import { metricsUrl } from '../harness/scrape.ts';
import { tool } from '../harness/tool.ts';
import { until } from '../harness/wait.ts';

const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

/** The cells of the rows of the table under a heading, as they are meant. */
function rowsUnder(heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

const codeOf = (cell = ''): string => /^`(.*)`$/.exec(cell)?.[1] ?? assert.fail(`no code: ${cell}`);
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? assert.fail(`no ${language}`);

const queries = rowsUnder('What to ask').map(([, query]) => codeOf(query));
const alerts = rowsUnder('What to be told of').map(([name = '', expr, lasts = '']) => ({
  alert: name,
  expr: codeOf(expr),
  ...(lasts === '–' ? {} : { for: lasts.replace(' ', '') }),
}));
const rules = { groups: [{ name: 'rekey', rules: alerts }] };

/** What each alert is for, as series that begin calm: by the minute. */
const calm = {
  rekey_work_waiting: '2x40',
  rekey_work_under_way: '1x40',
  'rekey_rotations_total{outcome="failed"}': '1x40',
  'rekey_records_total{outcome="set_aside"}': '1x40',
  'rekey_rotations_waiting{reason="kek_suspended"}': '0x100',
  'rekey_rotations_waiting{reason="integrity"}': '0x100',
  'rekey_kms_calls_total{provider="local",operation="wrap",outcome="UNAVAILABLE"}': '1x100',
  rekey_rotations_draining: '0x100',
  rekey_events_waiting: '3x100',
  'rekey_policy_tenants{level="overdue"}': '0x100',
  'rekey_policy_tenants{level="due"}': '9x100',
  'rekey_policy_wrappings{level="orphaned"}': '0x100',
  'rekey_http_requests_total{operation="rotateDek",status="503"}': '1x100',
  'rekey_http_requests_total{operation="rotateDek",status="202"}': '1+1x100',
} as const;
const trouble: Record<string, Partial<Record<keyof typeof calm, string>>> = {
  'nobody works': { rekey_work_under_way: '0x100' },
  'nothing is known': { rekey_work_waiting: '_x100' },
  'rotations failed': { 'rekey_rotations_total{outcome="failed"}': '1x65 2x40' },
  'records were set aside': { 'rekey_records_total{outcome="set_aside"}': '1x65 2x40' },
  'a KEK is suspended': { 'rekey_rotations_waiting{reason="kek_suspended"}': '1x100' },
  integrity: { 'rekey_rotations_waiting{reason="integrity"}': '1x100' },
  'the KMS does not answer': {
    'rekey_kms_calls_total{provider="local",operation="wrap",outcome="UNAVAILABLE"}': '1+1x100',
  },
  'a forgotten transaction': { rekey_rotations_draining: '1x100' },
  'events are not written': { rekey_events_waiting: '1000x100' },
  'keys or wrappings are overdue': { 'rekey_policy_wrappings{level="orphaned"}': '1x100' },
  'answers fail': { 'rekey_http_requests_total{operation="rotateDek",status="503"}': '1+1x100' },
};

const debian = await tool('prometheus');

/** Runs promtool on files of these names. */
async function promtool(args: readonly string[], files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-promtool-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const { status, stdout, stderr } = spawnSync(debian.programs.promtool, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', ...debian.env },
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('promtool takes its configuration and its alerts, and each alert is raised by its trouble and by nothing else', {
  skip: skipWithoutPrometheus,
}, async () => {
  assert.ok(queries.length >= 5 && alerts.length >= 11, `${queries.length} queries, ${alerts.length} alerts`);
  const [scraping = ''] = block('yaml').split('\n```');
  assert.match(scraping, /^scrape_configs:/);
  await promtool(['check', 'config', 'prometheus.yml'], { 'prometheus.yml': scraping });
  // JSON is YAML.
  const files = { 'rules.yml': JSON.stringify(rules) };
  assert.match(await promtool(['check', 'rules', 'rules.yml'], files), new RegExp(`${alerts.length} rules`));

  assert.deepEqual(Object.keys(trouble).sort(), alerts.map(({ alert }) => alert).sort());
  const tests = ['calm', ...Object.keys(trouble)].map((name) => ({
    name,
    interval: '1m',
    input_series: Object.entries({ ...calm, ...trouble[name] }).map(([series, values]) => ({
      series,
      values: values.replace(/x40$/, 'x110').replace(/x100$/, 'x110'),
    })),
    alert_rule_test: alerts.map(({ alert }) => ({
      eval_time: '70m',
      alertname: alert,
      exp_alerts: alert === name ? [{}] : [],
    })),
  }));
  const unit = JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests });
  await promtool(['test', 'rules', 'test.yml'], { ...files, 'test.yml': unit });
});

test('through a campaign each query of it has an answer, each figure is that of the database, and its script follows', {
  skip: skipWithoutPrometheus,
}, async (t) => {
  const rekey = await installation({
    workers: 0,
    apiEnv: { METRICS_PORT: '0' },
    workerEnv: { METRICS_PORT: '0', BATCH_SIZE: '50', THROTTLE: 'on' },
  });
  const [api] = rekey.apis;
  assert.ok(api !== undefined);
  const worker = await rekey.addWorker();
  const [apiMetrics, workerMetrics] = [await metricsUrl(api), await metricsUrl(worker)];
  const prometheus = await startPrometheus(t, { rules });
  await prometheus.scrape([apiMetrics, workerMetrics]);
  const tells = (query: string, figure: number): Promise<unknown> =>
    until(async () => (await prometheus.ask(query)) === figure || null, {
      what: `${query} tells ${figure}`,
      timeoutMs: 60_000,
      everyMs: 250,
    });
  await tells('max(rekey_work_waiting)', 0);

  const tenants = await Promise.all([340, 170, 85, 85].map((records) => rekey.seedTenant(records)));
  const [{ tenantId: damaged } = { tenantId: '' }] = tenants;
  const { rows } = await rekey.store.query<{ id: string }>(
    'select id from secrets where tenant_id = $1 limit 1',
    [damaged],
  );
  await damage(rekey.store as never, 'secrets', rows[0]?.id ?? '', flipBit);
  const started = await startCampaign(rekey.store, {
    campaignId: randomUUID(),
    action: 'rotate',
    whom: { tenantIds: tenants.map(({ tenantId }) => tenantId) },
    kekName: null,
    order: 'as_given',
    canaries: 0,
    atOnceMax: 2,
    perHourMax: 3,
    failuresMax: 3,
    callsPerSecondMax: 100,
    reason: null,
    actor: { id: 'ada', name: null, email: null },
    idempotency: null,
  });
  assert.equal(started.kind, 'started');
  // Of four an hour lets three begin.
  await tells(
    'max(rekey_campaign_tenants{state="completed"}) + max(rekey_campaign_tenants{state="completed_with_failures"})',
    3,
  );
  await tells('max(rekey_campaign_tenants{state="waiting"})', 1);
  await tells('max(rekey_campaigns_unfinished{state="in_progress"})', 1);
  const { rows: found } = await rekey.store.query<{ rotated: string; failed: string }>(
    'select sum(rotated) as rotated, sum(failed) as failed from rekey.rotation_ranges',
  );
  await tells('sum(rekey_records_total{outcome="rotated"})', Number(found[0]?.rotated));
  await tells('sum(rekey_records_total{outcome="set_aside"})', 1);
  await tells('sum(rekey_rotations_total{outcome="completed"})', 2);
  await tells('sum(rekey_rotations_total{outcome="completed_with_failures"})', 1);
  assert.equal(Number(found[0]?.failed), 1);

  assert.equal((await fetch(`${api.url}/livez`)).status, 200);
  for (const query of [...queries, ...page.matchAll(/^\s+query: (.*)$/gm).map(([, query = '']) => query)])
    await until(async () => ((await prometheus.ask(query)) === undefined ? null : true), {
      what: `${query} has an answer`,
      timeoutMs: 60_000,
      everyMs: 250,
    });
  const [, external = ''] = /metric: \{ name: (\w+) \}/.exec(page) ?? [];
  assert.notEqual(await prometheus.ask(`max(${external})`), undefined, external);
  // Of alerts that are not raised nothing is answered: each series that one looks at is there, but of answers that fail.
  for (const { alert, expr } of alerts)
    for (const [selector = ''] of expr.matchAll(/rekey_\w+(\{[^}]*\})?/g)) {
      const asked = selector
        .replace(/\{status=[^}]*\}/, '{status!=""}')
        .replace(/outcome!="ok"/, 'outcome!=""');
      const isThere = async (): Promise<boolean> => ((await prometheus.ask(`count(${asked})`)) ?? 0) > 0;
      await until(async () => (await isThere()) || null, {
        what: `${alert}: ${asked} is there`,
        timeoutMs: 60_000,
        everyMs: 250,
      });
    }
  const raised = await until(
    async () => {
      const names = await prometheus.raised();
      return names.includes('records were set aside') ? names : null;
    },
    { what: 'an alert is raised', timeoutMs: 60_000, everyMs: 500 },
  );
  assert.ok(!raised.includes('rotations failed') && !raised.includes('nothing is known'), raised.join());

  // The script for a timer, beside a systemctl that writes down what it is told.
  const script = block('sh').replace('http://127.0.0.1:9464/metrics', apiMetrics);
  assert.ok(script.includes(apiMetrics));
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-systemctl-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'systemctl'), '#!/bin/sh\necho "$*"\n');
  await chmod(join(folder, 'systemctl'), 0o755);
  const run = (text: string): { status: number | null; stdout: string } =>
    spawnSync('sh', ['-c', text], { encoding: 'utf8', env: { PATH: `${folder}:/usr/bin:/bin` } });
  const told = (verbs: readonly string[]): string =>
    verbs.map((verb, n) => `${verb} rekey-worker@${n + 2}\n`).join('');
  assert.deepEqual(run(script).stdout, told(['stop', 'stop', 'stop']), 'nothing waits');
  await writeFile(join(folder, 'curl'), '#!/bin/sh\necho "rekey_work_waiting 9"\n');
  await chmod(join(folder, 'curl'), 0o755);
  assert.deepEqual(run(script).stdout, told(['start', 'start', 'stop']));
  await writeFile(join(folder, 'curl'), '#!/bin/sh\nexit 22\n');
  const { status, stdout } = run(script);
  assert.deepEqual([status, stdout], [0, ''], 'who knows nothing stays');
});
