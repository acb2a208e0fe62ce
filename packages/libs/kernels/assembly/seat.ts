/** Which of the threads on one memory this one is, from 0: the scratch of the kernels that they share is one for each. */
export let seat: i32 = 0

export function takeSeat(number: i32): void {
  seat = number
}
