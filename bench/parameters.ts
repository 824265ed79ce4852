/** Everything that decides what is measured. Each can be set by a flag of the same name, see `options.ts`. */
export interface Parameters {
  /** Rounds of the comparison, interleaved; each contender runs once in each. */
  readonly rounds: number;
  /** Records of the tenant that the contenders re-encrypt. */
  readonly records: number;
  /** Plaintext bytes of a record; its ciphertext has 33 more. */
  readonly valueBytes: number;
  /** Records of other tenants in the same table, per record of the tenant. */
  readonly bystanders: number;
  /** Worker processes of the whole rotation in the comparison. */
  readonly workers: readonly number[];
  /** How long a contender too slow for the whole tenant is sampled, in milliseconds. */
  readonly sampleMs: number;
  /** Tenant sizes of the series over size. */
  readonly sizes: readonly number[];
  /** Plaintext bytes of the series over record size. */
  readonly recordSizes: readonly number[];
  /** Bytes of plaintext that each of those tenants has at most, and records at most. */
  readonly recordSizesBytesMax: number;
  /** Records in the series over kinds of ids. */
  readonly idKindRecords: number;
  /** Tenant sizes at which the rotate call is timed, and calls at each. */
  readonly callSizes: readonly number[];
  readonly calls: number;
  /** Rotations of an 85-record tenant, one after the other. */
  readonly smallRotations: number;
  /** Tenants that are rotated at once, and the records of each. */
  readonly tenants: number;
  readonly tenantRecords: number;
  /** Connections and duration of the load on the status route. */
  readonly pollConnections: number;
  readonly pollMs: number;
  /** The application's operations per second while a rotation runs, and how long it is watched at idle. */
  readonly applicationReadsPerSecond: number;
  readonly applicationWritesPerSecond: number;
  readonly applicationMs: number;
  readonly applicationRounds: number;
  /** Held back to this share of full speed, in the second half of a round. */
  readonly applicationThrottle: number;
  /** Records of the tenant that is rotated under the application's feet. */
  readonly applicationRecords: number;
  /** How long a transaction is forgotten, how many tenants have one at once, and rounds of with and without. */
  readonly forgottenMs: number;
  readonly forgottenTenants: number;
  readonly forgottenRounds: number;
}

export const full: Parameters = {
  rounds: 5,
  records: 500_000,
  valueBytes: 296,
  bystanders: 1,
  workers: [1, 2, 4],
  sampleMs: 10_000,
  sizes: [1_000, 10_000, 100_000, 1_000_000, 10_000_000],
  recordSizes: [32, 300, 4_096, 65_536],
  recordSizesBytesMax: 512 * 1024 * 1024,
  idKindRecords: 500_000,
  callSizes: [85, 10_000, 1_000_000],
  calls: 500,
  smallRotations: 100,
  tenants: 1_000,
  tenantRecords: 100,
  pollConnections: 32,
  pollMs: 10_000,
  applicationReadsPerSecond: 200,
  applicationWritesPerSecond: 50,
  applicationMs: 10_000,
  applicationRounds: 3,
  applicationThrottle: 0.5,
  applicationRecords: 300_000,
  forgottenMs: 60_000,
  forgottenTenants: 50,
  forgottenRounds: 3,
};

/** Under two minutes: the ratios are good to about a tenth, the absolute figures say little. */
export const quick: Parameters = {
  ...full,
  rounds: 3,
  records: 40_000,
  workers: [1],
  sampleMs: 500,
  sizes: [1_000, 10_000],
  recordSizes: [32, 4_096],
  recordSizesBytesMax: 16 * 1024 * 1024,
  callSizes: [85, 20_000],
  calls: 100,
  smallRotations: 20,
  tenants: 120,
  pollMs: 800,
  applicationMs: 3_000,
  applicationRecords: 100_000,
};
