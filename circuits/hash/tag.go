package hash

// Tag separates the uses of Sum: each kind of value hashed by the protocol has one of its own.
type Tag uint64

// The tags of the protocol. Their values are part of the frozen core.
const (
	STATE           Tag = 1
	ANCHOR          Tag = 2
	PARTIAL         Tag = 3
	NOTE            Tag = 4
	RHO             Tag = 5
	RHO_DEPOSIT     Tag = 6
	NULLIFIER       Tag = 7
	NULLIFIER_DUMMY Tag = 8
	NULLIFIER_KEY   Tag = 9
	ACCOUNT_ID      Tag = 10
	OWNER           Tag = 11
	KEY             Tag = 12
	KEY_SET         Tag = 13
	ACCOUNT_LEAF    Tag = 14
	NULLIFIER_LEAF  Tag = 15
	OPERATION       Tag = 16
	TRANSACTION     Tag = 17
	DEPOSIT         Tag = 18
	EXTENSION       Tag = 19
	VECTOR          Tag = 20
	SIGNATURE       Tag = 21
	EXIT            Tag = 22
)
