package rollup

import "github.com/consensys/gnark/frontend"

// Kinds of lanes. Kind 6 is reserved for applications and refused.
const (
	KindNone     = 0
	KindTransfer = 1
	KindDeposit  = 2
	KindForced   = 3
	KindSkipped  = 4
	KindAccount  = 5
)

// kind holds one boolean for each kind, exactly one of them 1.
type kind struct{ none, transfer, deposit, forced, skipped, account frontend.Variable }

// decodeKind constrains the lane's kind to be 0..5 and its bits to be the one-hot form of it.
func decodeKind(api frontend.API, l *Lane) kind {
	any, value := frontend.Variable(0), frontend.Variable(0)
	for i, b := range l.KindBits {
		api.AssertIsBoolean(b)
		any = api.Add(any, b)
		value = api.Add(value, api.Mul(b, i+1))
	}
	api.AssertIsBoolean(any)
	api.AssertIsEqual(l.Kind, value)
	b := l.KindBits
	return kind{
		none: api.Sub(1, any), transfer: b[KindTransfer-1], deposit: b[KindDeposit-1], forced: b[KindForced-1],
		skipped: b[KindSkipped-1], account: b[KindAccount-1],
	}
}

// direct: the lane carries a client proof in this epoch, so anchor, expiry and fee are judged here.
func (k kind) direct(api frontend.API) frontend.Variable { return api.Add(k.transfer, k.account) }

// spends: the lane inserts its nullifiers and appends three commitments.
func (k kind) spends(api frontend.API) frontend.Variable {
	return api.Add(k.transfer, k.forced, k.account)
}

// transaction: the lane's words are those of a transaction.
func (k kind) transaction(api frontend.API) frontend.Variable {
	return api.Add(k.spends(api), k.skipped)
}

// queued: the lane takes the next queue index.
func (k kind) queued(api frontend.API) frontend.Variable {
	return api.Add(k.deposit, k.forced, k.skipped)
}

// transactionKind returns the kind that the transaction itself bears: a skipped one is a forced one.
func (k kind) transactionKind(api frontend.API) frontend.Variable {
	return api.Add(api.Mul(k.transfer, KindTransfer), api.Mul(api.Add(k.forced, k.skipped), KindForced),
		api.Mul(k.account, KindAccount))
}
