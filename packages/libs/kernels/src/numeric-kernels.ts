/** The kernels under the math and image libraries (assembly/numerics.ts). Addresses are bytes, counts are elements. */
export interface NumericKernels {
  /** Pixels `from` to `from + n` of the planes of a job, a record that libs/image/src/combine-job.ts fills. */
  combine(job: number, from: number, n: number): void
  /** Pixels 0 to `n` of a job, a record that libs/image/src/calibrate.ts fills; `first`: the pixel of the frame that the first is. */
  calibrate(job: number, first: number, n: number): void
}
