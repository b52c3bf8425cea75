package note

import "encoding/binary"

func (p *Plaintext) bytes() (b [plaintextSize]byte) {
	copy(b[:ValueSize], p.Value[:])
	binary.BigEndian.PutUint64(b[ValueSize:], p.Asset)
	copy(b[ValueSize+8:], p.Reference[:])
	return b
}

func parsePlaintext(b *[plaintextSize]byte) Plaintext {
	return Plaintext{
		Value:     [ValueSize]byte(b[:ValueSize]),
		Asset:     binary.BigEndian.Uint64(b[ValueSize:]),
		Reference: [ReferenceSize]byte(b[ValueSize+8:]),
	}
}
