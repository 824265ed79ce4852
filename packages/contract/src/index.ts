export { conforms } from './conforms.ts';
export * from './errors.ts';
export * from './failures.ts';
export * from './health.ts';
export * from './ids.ts';
export * from './items.ts';
export * from './rotate.ts';
export * from './rotation.ts';
export * from './rotations.ts';
