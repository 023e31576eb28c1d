package transfer

// EncodeBundle and DecodeBundle are the format of the stage cache in a remote.
var (
	EncodeBundle = encodeBundle
	DecodeBundle = decodeBundle
)
