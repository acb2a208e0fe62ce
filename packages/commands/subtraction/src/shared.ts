type Plane = Float32Array | Int16Array | Uint8Array
type Constructor<T extends Plane> = { new (buffer: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number }

/** A plane of zeros that all threads see: given to a task, or returned by one, it is not copied. */
export function sharedPlane<T extends Plane>(type: Constructor<T>, n: number): T {
  return new type(new SharedArrayBuffer(n * type.BYTES_PER_ELEMENT))
}
