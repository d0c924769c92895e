// Comments in every place that a pattern may have to pass.
function f(a, b) {
  if (a) /* then */ return b
  if (a /* once */) return b
  if /* twice */ (a) return b
  if (a) return /* it */ b
  while (a) /* do */ b()
  const c = a + /* plus */ b
  const d = a /* plus */ + b
  const e = new /* fresh */ Map()
  const g = new Map /* fresh */ ()
  const h = /* nothing */ () => { return c }
  require(/* what */ "x")
  list.push(a /* one */)
  list./* more */push(a)
  f(a, /* last */ { x: 1 })
  f(/* first */ a, b)
  return [a, /* and */ b, c, d, e, g, h]
}
function i(a) /* body */ { return a }
