package cloud

import (
	"context"
	"errors"
	"net"
	"strings"

	"gocloud.dev/gcerrors"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// explain turns what a service or its SDK said into an error that says what to
// set, and marks what may pass when tried again. The SDKs have types for few of
// their errors, so most are known by their text.
func (b *Bucket) explain(ctx context.Context, err error, doing, key string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	name := strings.TrimSuffix(b.url, "/") + "/" + key
	text := err.Error()
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	err = cause{err}
	plain := errs.New(errs.Remote, "%s %s: %w", doing, name, err)
	switch code := gcerrors.Code(errors.Unwrap(err)); {
	case code == gcerrors.FailedPrecondition, code == gcerrors.AlreadyExists:
		return errs.New(errs.Conflict, "%s %s: it exists", doing, name)
	case has("NoSuchBucket", "ContainerNotFound", "bucket doesn't exist", "bucket does not exist", "The specified bucket", "The specified container"),
		code == gcerrors.NotFound && doing == "list" && !has("Error 403"):
		return plain.Hint("make the bucket %q first, or correct the URL: mlops remote add --force NAME URL", b.bucket())
	case has("Error 403", "AccessDenied", "AuthorizationPermissionMismatch", "AuthorizationFailure"):
		return plain.Hint("these credentials may not %s here: allow reading, writing, listing and deleting under %s", doing, b.url)
	case has("PermanentRedirect", "AuthorizationHeaderMalformed", "BucketRegionError", "301 Moved"):
		return plain.Hint("the bucket is in another region: set AWS_REGION, or add ?region=REGION to the URL")
	case has("nvalid region", "issing region", "MissingRegion", "failed to resolve service endpoint"):
		return plain.Hint("set AWS_REGION, or add ?region=REGION to the URL")
	case code == gcerrors.PermissionDenied, has("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed", "InvalidAuthenticationInfo", "ExpiredToken", "Error 401"):
		return remote.Denied(b.scheme, "%s %s: the service does not accept these credentials: %w", doing, name, err)
	case has("get credentials", "refresh cached credentials", "no EC2 IMDS role", "find default credentials", "DefaultAzureCredential", "get access token", "invalid_grant"):
		return noCredentials(b.scheme, name, err)
	case has("NotImplemented"):
		return plain.Hint("this service lacks something that a remote needs: use a newer version of it, or another service")
	case has("no such host") && b.byName:
		return plain.Hint("most services other than Amazon's need use_path_style=true in the URL: %s?endpoint=…&use_path_style=true", b.url).
			Hint("else no machine has this name: correct the endpoint or the bucket in the URL")
	case has("no such host"):
		return plain.Hint("no machine has this name: correct the endpoint, the account or the bucket in the URL")
	case has("x509:", "tls: failed to verify", "server gave HTTP response to HTTPS client"):
		return plain.Hint("correct http:// or https:// in the endpoint; for an own authority set SSL_CERT_FILE")
	case code == gcerrors.NotFound:
		return errs.New(errs.NotFound, "%s %s: there is no such object", doing, name)
	case code == gcerrors.InvalidArgument, code == gcerrors.Unimplemented:
		return plain
	case has("connection refused"):
		return remote.Temporary(plain.Hint("nothing listens there: start the service, or correct the endpoint in the URL"))
	}
	return remote.Temporary(plain)
}

// cause shows of an SDK's error what a person needs: SDKs repeat the request,
// empty ids and how often they tried.
type cause struct{ err error }

func (c cause) Unwrap() error { return c.err }

func (c cause) Error() string {
	if op, ok := errors.AsType[*net.OpError](c.err); ok {
		return op.Error()
	}
	// gocloud hides the errors of the SDKs, so their text is all there is.
	text := c.err.Error()
	if _, rest, ok := strings.Cut(text, "(code="); ok {
		if _, said, ok := strings.Cut(rest, "): "); ok {
			text = said
		}
	}
	if _, said, ok := strings.Cut(text, "api error "); ok {
		text = said
	}
	if !strings.Contains(text, "\n") {
		return text
	}
	// Azure's are a page; these lines of it say what happened.
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "RESPONSE ") || strings.HasPrefix(line, "ERROR CODE: ") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return strings.Join(strings.Fields(text), " ")
	}
	return strings.Join(lines, ", ")
}

func (b *Bucket) bucket() string {
	_, rest, _ := strings.Cut(b.url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func noCredentials(scheme, name string, err error) *errs.Error {
	return remote.Denied(scheme, "reach %s: no credentials were found: %w", name, err)
}
