/* Runs the suite of one unit test program. Each tests/unit/test_<module>.c is linked with
 * this file and defines suite(). */
#include <check.h>
#include <stdlib.h>

Suite *suite(void);

/* A test that hangs is ended then: long enough for the slowest machine. */
#define TIMEOUT_S "120"

int main(void)
{
    (void)setenv("CK_DEFAULT_TIMEOUT", TIMEOUT_S, 0);
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
